//! Elements of XML, written so that any text comes through: nothing that XML 1.0 forbids, and nothing that readers change.
//! It knows nothing of what the elements are.

/// XML that is being written, an element to a line.
pub struct Xml {
    text: String,
    open: Vec<&'static str>,
}

impl Xml {
    /// A document without elements.
    pub fn new() -> Self {
        Self { text: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned(), open: Vec::new() }
    }

    /// Opens an element; what comes until [`close`](Self::close) is in it.
    pub fn open(&mut self, name: &'static str, attributes: &[(&str, &str)]) {
        self.start(name, attributes);
        self.text.push_str(">\n");
        self.open.push(name);
    }

    /// Closes the element that was opened last.
    pub fn close(&mut self) {
        if let Some(name) = self.open.pop() {
            self.indent();
            self.text.extend(["</", name, ">\n"]);
        }
    }

    /// An element with nothing in it but text.
    pub fn leaf(&mut self, name: &'static str, attributes: &[(&str, &str)], text: &str) {
        self.start(name, attributes);
        if text.is_empty() {
            self.text.push_str("/>\n");
            return;
        }
        self.text.push('>');
        text.chars().for_each(|char| self.char(char, false));
        self.text.extend(["</", name, ">\n"]);
    }

    /// The whole document.
    pub fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.close();
        }
        self.text
    }

    fn start(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.indent();
        self.text.extend(["<", name]);
        for (name, value) in attributes {
            self.text.extend([" ", name, "=\""]);
            value.chars().for_each(|char| self.char(char, true));
            self.text.push('"');
        }
    }

    fn indent(&mut self) {
        self.text.extend(self.open.iter().map(|_| "    "));
    }

    fn char(&mut self, char: char, in_attribute: bool) {
        match char {
            '&' => self.text.push_str("&amp;"),
            '<' => self.text.push_str("&lt;"),
            // After `]]` it must not stand as it is.
            '>' => self.text.push_str("&gt;"),
            '"' if in_attribute => self.text.push_str("&quot;"),
            // Readers make other white space of these.
            '\r' => self.text.push_str("&#13;"),
            '\n' if in_attribute => self.text.push_str("&#10;"),
            '\t' if in_attribute => self.text.push_str("&#9;"),
            '\n' | '\t' => self.text.push(char),
            '\0'..' ' | '\u{fffe}' | '\u{ffff}' => self.text.push(char::REPLACEMENT_CHARACTER),
            _ => self.text.push(char),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_comes_through_and_what_is_forbidden_is_seen() {
        let all: String = (0..=0x1_ffff).filter_map(char::from_u32).chain("]]>\r\n".chars()).collect();
        let mut xml = Xml::new();
        xml.open("a", &[("b", &all)]);
        xml.leaf("c", &[("d", "")], &all);
        xml.leaf("e", &[], "");
        let text = xml.finish();
        let document = roxmltree::Document::parse(&text).unwrap();
        let is_forbidden = |char: char| char < ' ' && !"\t\r\n".contains(char) || "\u{fffe}\u{ffff}".contains(char);
        let expected = all.replace(is_forbidden, "\u{fffd}");
        let elements: Vec<_> = document.descendants().filter(roxmltree::Node::is_element).collect();
        assert_eq!(elements.iter().map(|element| element.tag_name().name()).collect::<String>(), "ace");
        assert!(elements[0].attribute("b") == Some(&expected));
        assert!(elements[1].text() == Some(&expected));
    }
}
