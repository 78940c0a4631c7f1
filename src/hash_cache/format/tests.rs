//! Files as bytes, whole and damaged.

use super::*;

fn entry(number: u8) -> Entry {
    let stat = FileStat { mtime_ns: -1, ctime_ns: i64::MAX, size: number.into(), inode: u64::MAX };
    Entry { stat, digest: Digest([number; 32]), escapes: number % 2 == 1, day: number.into() }
}

fn encode<'a>(places: impl IntoIterator<Item = (Place<'a>, Entry)>, day: u32) -> Vec<u8> {
    let mut places: Vec<(Place<'_>, Entry)> = places.into_iter().collect();
    places.sort_by_key(|(place, _)| *place);
    // One for each folder, with an empty one before and behind it.
    let writers = places.chunk_by(|(a, _), (b, _)| a.0 == b.0).map(|files| {
        let mut writer = Writer::new(0);
        writer.folder(b"/empty");
        writer.folder(files[0].0.0);
        files.iter().for_each(|((_, name), entry)| writer.add(name, entry));
        writer.folder(b"/empty");
        writer
    });
    Writer::finish(writers, day).concat()
}

fn small_file() -> Vec<u8> {
    let places: [(Place<'_>, Entry); 4] = [
        ((b"/w/x/y", b"d"), entry(4)),
        ((b"/w", b"a.rs"), entry(1)),
        ((b"/w", b"b"), entry(2)),
        ((b"/w", b"\xff\n"), entry(3)),
    ];
    encode(places, 20_000)
}

#[test]
fn what_was_written_is_found_and_nothing_else() {
    let entries = Entries::parse(small_file()).unwrap();
    assert_eq!((entries.len(), entries.day), (4, 20_000));
    assert_eq!(entries.find(Path::new("/w/a.rs")).unwrap().1, entry(1));
    assert_eq!(entries.find(Path::new("/w/b")).unwrap().1, entry(2));
    assert_eq!(entries.find(Path::new("/w/x/y/d")).unwrap().1, entry(4));
    for absent in ["/w/c", "/w", "/w/x/y", "/w/x/d", "/w/a.rs/d", "b", "/b", ""] {
        assert_eq!(entries.find(Path::new(absent)), None, "{absent}");
    }
    assert_eq!(Entries::default().find(Path::new("/w/b")), None);
}

#[test]
fn below_a_folder_the_same_is_found_in_any_order() {
    let entries = Entries::parse(small_file()).unwrap();
    let asked = ["a.rs", "b", "x/y/d", "c", "a.rs", "x/y/e", "x/d", "y/d", "b", "", "x/y/d", "x/y/d"];
    for dir in ["/w", "/w/x", "/v"] {
        let mut cursor = Cursor::new(&entries, Path::new(dir));
        for path in asked {
            assert_eq!(cursor.find(Path::new(path)), entries.find(&Path::new(dir).join(path)), "{dir}: {path}");
        }
    }
    assert!(Cursor::new(&entries, Path::new("/w/x")).find(Path::new("y/d")).is_some());
}

#[test]
fn every_one_of_many_is_found() {
    for count in [1_u32, 2, 7, 100, 3_000] {
        let folders: Vec<String> = (0..count).map(|number| format!("/w/{}", number % 7)).collect();
        let names: Vec<String> = (0..count).map(|number| number.to_string()).collect();
        let places = folders.iter().zip(&names).map(|(folder, name)| (folder.as_bytes(), name.as_bytes()));
        let entries = Entries::parse(encode(places.clone().zip((0..=255).cycle().map(entry)), 1)).unwrap();
        assert_eq!(entries.folders().map(|(_, places)| places.len()).sum::<usize>(), names.len());
        for (number, (folder, name)) in folders.iter().zip(&names).enumerate() {
            let found = entries.find(Path::new(&format!("{folder}/{name}"))).unwrap();
            assert_eq!(found.1, entry((number % 256) as u8));
            assert_eq!(entries.find(Path::new(&format!("{folder}/{name}x"))), None);
            let (path, _) = entries.folders().find(|(_, places)| places.contains(&found.0)).unwrap();
            let written = entries.written(found.0).unwrap();
            assert_eq!((path, written.name), (folder.as_bytes(), name.as_bytes()));
            assert_eq!(written.day(), found.1.day);
        }
    }
}

#[test]
fn every_flipped_bit_and_every_truncation_is_noticed() {
    let whole = small_file();
    for place in 0..whole.len() {
        for bit in 0..8 {
            let mut bytes = whole.clone();
            bytes[place] ^= 1 << bit;
            assert!(Entries::parse(bytes).is_err(), "byte {place}, bit {bit}");
        }
        assert!(Entries::parse(whole[..place].to_vec()).is_err(), "cut at {place}");
    }
    assert!(Entries::parse([&whole[..], b"x"].concat()).is_err());
}

#[test]
fn a_wrong_table_under_a_right_checksum_is_survived() {
    let whole = small_file();
    let body = whole.len() - checksum::LENGTH;
    for place in 16..body {
        for value in [0, 0x7f, 0xff] {
            let mut bytes = whole.clone();
            bytes[place] = value;
            let checksum = checksum::of(&bytes[..body]);
            bytes[body..].copy_from_slice(&checksum);
            let Ok(entries) = Entries::parse(bytes) else { continue };
            assert!(entries.folders().flat_map(|(_, places)| places).count() <= entries.len() * entries.folders);
            assert!((0..entries.len()).filter_map(|place| entries.written(place)).count() <= entries.len());
            assert_eq!(entries.find(Path::new("/w/c")), None);
            assert_eq!(Cursor::new(&entries, Path::new("/w")).find(Path::new("x/y/c")), None);
        }
    }
}
