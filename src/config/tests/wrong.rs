//! Every kind of mistake, each named by its place, its title and its help.

use super::*;

/// One line for each problem: where, what, the label, the help.
fn brief(text: &str) -> String {
    let problems = understood(text).expect_err(text);
    let lines = problems.list().iter().map(|problem| {
        let places = problem.places.iter().map(|(span, label)| {
            let slice = &text[span.start as usize..span.end as usize];
            if label.is_empty() { slice.to_owned() } else { format!("{slice} ({label})") }
        });
        let places: Vec<_> = places.collect();
        let help = problem.help.iter().map(|help| format!(" = {help}")).collect::<String>();
        format!("{} @ {}{help}\n", problem.title, places.join(", "))
    });
    lines.collect()
}

#[test]
fn tables_and_keys() {
    for (text, expected) in [
        (
            "container = 1",
            "unknown key `container` in make.toml @ container = known here: `project`, `lifecycle`, `hooks`, `workspace`, `performance`, `cache`, `history`\n",
        ),
        ("[projct]", "unknown key `projct` in make.toml @ projct = did you mean `project`?\n"),
        ("project = 3", "`project` must be a table @ 3 (this is a whole number)\n"),
        ("[[hooks]]", "`hooks` must be a table @ [[hooks]] (this is an array of tables)\n"),
        (
            "[performance]\nmax_phase_time = 0\nmax_memory_mb = 5_000_000_000\nmax_pipeline_time = '5s'",
            "`max_phase_time` must be from 1 to 4294967295 milliseconds @ 0 = leave it out for no budget\n\
             `max_memory_mb` must be from 1 to 4294967295 megabytes @ 5_000_000_000 = leave it out for no budget\n\
             `max_pipeline_time` must be a whole number of milliseconds, such as `5000` @ '5s' (this is a string)\n",
        ),
        (
            "[project]\nname = \"\"\njobs = 0",
            "`name` must be one line of text, and not empty @ \"\"\n`jobs` must be a whole number from 1 to 65535 @ 0\n",
        ),
        (
            "[project]\nname = 3\njobs = \"8\"",
            "`name` must be a string @ 3 (this is a whole number)\n`jobs` must be a whole number from 1 to 65535 @ \"8\" (this is a string)\n",
        ),
        (
            "[project]\njobs = 99999999999999999999999",
            "`jobs` must be a whole number from 1 to 65535 @ 99999999999999999999999\n",
        ),
        ("[project]\njobs = -1", "`jobs` must be a whole number from 1 to 65535 @ -1\n"),
        ("[project]\nprofile = \"yes\"", "`profile` must be `true` or `false` @ \"yes\" (this is a string)\n"),
        (
            "[project]\nversion = 1",
            "unknown key `version` in `[project]` @ version = known here: `name`, `jobs`, `profile`\n",
        ),
        ("[project.jobs]", "`jobs` must be a whole number from 1 to 65535 @ [project.jobs] (this is a table)\n"),
        ("lifecycle = []", "`lifecycle` must be a table @ [] (this is an array)\n"),
        (
            "[lifecycle]\nbuild = \"cargo build\"",
            "`build` must be a table @ \"cargo build\" (this is a string) = a phase is a table: `[lifecycle.build]` with `command = \"…\"`\n",
        ),
        ("[[lifecycle.build]]", "`build` must be a table @ [[lifecycle.build]] (this is an array of tables)\n"),
        (
            "[lifecycle]\nbuild.cache = true\nbuild.cache = false",
            "`cache` is given twice @ cache (for the second time here)\n",
        ),
        ("[hooks]\n[hooks]", "`hooks` is given twice @ hooks (for the second time here)\n"),
        (
            "[lifecycle.build]\ncomand = \"x\"",
            "unknown key `comand` in `[lifecycle.build]` @ comand = did you mean `command`?\n",
        ),
        (
            "[lifecycle.build]\nproduces = []",
            "unknown key `produces` in `[lifecycle.build]` @ produces = known here: `description`, `command`, `commands`, `engine`, `parallel`, `scope`, `workspaces`, `needs`, `inputs`, `outputs`, `env`, `env-inputs`, `cache`, `dependencies`, `lock`, `interactive`, `timeout`, `retries`\n",
        ),
        (
            "[workspace.api]\nlifecycle.build.scope = \"member\"",
            "`scope` holds for the whole phase, not for one member @ scope = it belongs into `[lifecycle.build]`\n",
        ),
        (
            "[workspace.api]\ndepend-on = []",
            "unknown key `depend-on` in `[workspace.api]` @ depend-on = did you mean `depends-on`?\n",
        ),
        (
            "[lifecycle.build]\ncache = true\ncache = true\nx = 1",
            "`cache` is given twice @ cache (for the second time here)\nunknown key `x` in `[lifecycle.build]` @ x = known here: `description`, `command`, `commands`, `engine`, `parallel`, `scope`, `workspaces`, `needs`, `inputs`, `outputs`, `env`, `env-inputs`, `cache`, `dependencies`, `lock`, `interactive`, `timeout`, `retries`\n",
        ),
    ] {
        assert_eq!(brief(text), expected);
    }
}

#[test]
fn values_of_a_phase() {
    for (text, expected) in [
        (
            "[lifecycle.build]\ncache = 1979-05-27\nparallel = 1.5\ndependencies = \"no\"\ndescription = []",
            "`cache` must be `true` or `false` @ 1979-05-27 (this is a date or time)\n`parallel` must be `true` or `false` @ 1.5 (this is a number with a fraction)\n`dependencies` must be `true` or `false` @ \"no\" (this is a string)\n`description` must be a string @ [] (this is an array)\n",
        ),
        (
            "[lifecycle.build]\nscope = \"wrkspace\"",
            "`scope` must be `\"member\"` or `\"workspace\"` @ \"wrkspace\" = did you mean `\"workspace\"`?\n",
        ),
        ("[lifecycle.build]\nscope = \"all\"", "`scope` must be `\"member\"` or `\"workspace\"` @ \"all\"\n"),
        ("[lifecycle.build]\nscope = true", "`scope` must be a string @ true (this is a boolean)\n"),
        (
            "[lifecycle.build]\ninputs = \"src\"",
            "`inputs` must be an array of strings @ \"src\" (this is a string) = put it in brackets: `[\"src\"]`\n",
        ),
        (
            "[lifecycle.build]\ninputs = [1, {}]",
            "every entry of `inputs` must be a string @ 1 (this is a whole number)\nevery entry of `inputs` must be a string @ {} (this is a table)\n",
        ),
        (
            "[lifecycle.build]\ninputs = [\"\", \"//\", \"!x\", \"/x\", \"C:/x\", \"a/../b\", \"///x\"]",
            "a pattern must not be empty @ \"\" = `**` is every file\na pattern must not be empty @ \"//\" = `**` is every file\na pattern cannot take files away @ \"!x\" = name what is read instead of what is not\na pattern must not be an absolute path @ \"/x\" = `//` begins a pattern that is seen from the workspace root\na pattern must not be an absolute path @ \"C:/x\" = `//` begins a pattern that is seen from the workspace root\na pattern must not contain `..` @ \"a/../b\" = `//` begins a pattern that is seen from the workspace root\na pattern must not be an absolute path @ \"///x\" = `//` begins a pattern that is seen from the workspace root\n",
        ),
        (
            "[lifecycle.build]\ninputs = [\"src/[a\", \"a{b\"]",
            "this pattern cannot be understood @ \"src/[a\" (unclosed character class; missing ']')\nthis pattern cannot be understood @ \"a{b\" (unclosed alternate group; missing '}' (maybe escape '{' with '[{]'?))\n",
        ),
        (
            "[lifecycle.build]\nworkspaces = []",
            "`workspaces` must not be empty @ workspaces (no member would have this phase) = leave it out for every member\n",
        ),
        (
            "[lifecycle.build]\nworkspaces = [\"ap\", \"[\", \"\", \"web-*\"]",
            "no member of the workspace is called `ap` @ \"ap\" = did you mean `api`?\nthis pattern cannot be understood @ \"[\" (unclosed character class; missing ']')\na pattern must not be empty @ \"\" = `*` is every member\n",
        ),
        (
            "[lifecycle.build]\nenv = { PORT = 80, \"A=B\" = \"x\", \"\" = \"y\", N = \"\\u0000\" }",
            "`PORT` must be a string @ 80 (this is a whole number) = a variable's value is text: put it in quotes\n`A=B` cannot be the name of a variable @ \"A=B\"\n`` cannot be the name of a variable @ \"\"\na variable's value must not contain a NUL character @ \"\\u0000\"\n",
        ),
        ("[lifecycle.build]\nenv = [\"A\"]", "`env` must be a table @ [\"A\"] (this is an array)\n"),
        (
            "[lifecycle.build]\nenv-inputs = [\"A=\", 1]",
            "`A=` cannot be the name of a variable @ \"A=\"\nevery entry of `env-inputs` must be a string @ 1 (this is a whole number)\n",
        ),
        (
            "[lifecycle.all]\ncommand = \"x\"",
            "a phase must not be called `all` @ all = `before_all` and `after_all` speak of every phase\n",
        ),
        ("[lifecycle.\"a b\"]\ncommand = \"x\"", "the name of a phase must not contain white space @ \"a b\"\n"),
        ("[lifecycle.\"\"]\ncommand = \"x\"", "the name of a phase must not be empty @ \"\"\n"),
        (
            "[lifecycle.\"finally:\"]\ncommand = \"x\"",
            "the name of a phase must not end with `:` @ \"finally:\" = `finally: down` is the name of a step that closes a run\n",
        ),
        (
            "[lifecycle.-x]\ncommand = \"x\"",
            "the name of a phase must not begin with `-`, which begins an option @ -x\n",
        ),
        (
            "[lifecycle.\"a\\u0007\"]\ncommand = \"x\"",
            "the name of a phase must not contain control characters @ \"a\\u0007\"\n",
        ),
    ] {
        assert_eq!(brief(text), expected);
    }
}

#[test]
fn commands_and_placeholders() {
    for (text, expected) in [
        ("[lifecycle.deploy]", "the phase `deploy` has no command @ deploy = give it a `command = \"…\"`\n"),
        (
            "[lifecycle.biuld]\ncache = true",
            "the phase `biuld` has no command @ biuld = did you mean `build`? Or give it a `command = \"…\"`\n",
        ),
        ("[lifecycle.x]\ncommand = \"\"", "a command must not be empty @ \"\"\n"),
        ("[lifecycle.x]\ncommand = []", "a command must not be empty @ [] (no program to run)\n"),
        ("[lifecycle.x]\ncommand = [\"a\", \"\"]", "a word of a command must not be empty @ \"\"\n"),
        (
            "[lifecycle.x]\ncommand = [\"a\", 1]",
            "every word of a command must be a string @ 1 (this is a whole number)\n",
        ),
        (
            "[lifecycle.x]\ncommand = true",
            "`command` must be a string or an array of words @ true (this is a boolean)\n",
        ),
        (
            "[lifecycle.x]\ncommands = \"x\"",
            "`commands` must be an array of commands @ \"x\" (this is a string) = one command alone is `command = \"…\"`\n",
        ),
        ("[lifecycle.x]\ncommands = []", "`commands` must not be empty @ []\n"),
        (
            "[lifecycle.x]\ncommands = [\" \", 3, []]",
            "a command must not be empty @ \" \"\nevery entry of `commands` must be a string or an array of words @ 3 (this is a whole number)\na command must not be empty @ [] (no program to run)\n",
        ),
        (
            "[lifecycle.x]\ncommand = \"a\"\ncommands = [\"b\"]",
            "a phase has `command` or `commands`, not both @ commands, command (the other one is here)\n",
        ),
        ("[lifecycle.x]\ncommand = \"a\\u0000\"", "a command must not contain a NUL character @ \"a\\u0000\"\n"),
        ("[lifecycle.x]\ncommand = \"echo {nam}\"", "unknown placeholder `{nam}` @ {nam} = did you mean `{name}`?\n"),
        (
            "[lifecycle.x]\ncommand = \"\"\"\necho {nam}\"\"\"",
            "unknown placeholder `{nam}` @ {nam} = did you mean `{name}`?\n",
        ),
        (
            "[lifecycle.x]\ncommand = \"\\t{nam}\"",
            "unknown placeholder `{nam}` @ \"\\t{nam}\" = did you mean `{name}`?\n",
        ),
        (
            "[lifecycle.x]\ncommand = \"awk '{print $1}'\"",
            "unknown placeholder `{print $1}` @ {print $1} = braces that are meant as braces are written `{{` and `}}`; the placeholders are `{name}`, `{spec}`, `{dir}`, `{root}`, `{args}`, `{flags}`, `{selected}`\n",
        ),
        (
            "[lifecycle.x]\ncommand = \"echo {\"",
            "this `{` is not closed @ { = a brace that is meant as one is written `{{`\n",
        ),
        (
            "[lifecycle.x]\ncommand = \"echo ${HOME\"",
            "this `{` is not closed @ { = a brace that is meant as one is written `{{`\n",
        ),
        (
            "[lifecycle.x]\ncommand = [\"echo\", \"${HOME}\"]",
            "unknown placeholder `{HOME}` @ {HOME} = braces that are meant as braces are written `{{` and `}}`; the placeholders are `{name}`, `{spec}`, `{dir}`, `{root}`, `{args}`, `{flags}`, `{selected}`\n",
        ),
        (
            "[lifecycle.x]\ncommand = \"{selected} {name}\"",
            "`{name}` and `{selected}` exclude each other @ {name} (runs once for each member), {selected} (runs once for all of them) = keep one of the two, or make two phases of them\n",
        ),
        (
            "[lifecycle.x]\ncommands = [\"{spec}\", [\"{selected}\"]]",
            "`{spec}` and `{selected}` exclude each other @ {spec} (runs once for each member), {selected} (runs once for all of them) = keep one of the two, or make two phases of them\n",
        ),
        (
            "[lifecycle.x]\nscope = \"workspace\"\ncommand = \"{root} {dir}\"\nneeds = [\"build\", \"^build\"]",
            "`{dir}` has no value in a phase of the whole workspace @ {dir}, \"workspace\" (runs once for the whole workspace)\n`^` needs a member, which a phase of the whole workspace has not @ \"^build\", \"workspace\" (runs once for the whole workspace)\n",
        ),
    ] {
        assert_eq!(brief(text), expected);
    }
}

#[test]
fn hooks_and_needs() {
    for (text, expected) in [
        (
            "[lifecycle.build]\nneeds = [\"tset\", \"^tset\", \"nothing\"]",
            "there is no phase `tset` @ tset = did you mean `test`?\nthere is no phase `tset` @ tset = did you mean `test`?\nthere is no phase `nothing` @ nothing\n",
        ),
        (
            "[lifecycle.build]\nneeds = \"test\"",
            "`needs` must be an array of strings @ \"test\" (this is a string) = put it in brackets: `[\"test\"]`\n",
        ),
        (
            "[lifecycle.build]\nneeds = [\"build\", \"^build\"]",
            "`build` cannot need itself @ \"build\" = `^build` is the same phase of the members that this one depends on\n",
        ),
        (
            "[lifecycle.build]\nneeds = [\"test\", \"^test\", \"test\"]",
            "`test` is given twice @ \"test\" (for the second time here)\n",
        ),
        (
            "[hooks]\nbefore_biuld = [\"fmt\"]",
            "`before_biuld` names no phase: there is no `biuld` @ before_biuld = did you mean `before_build`?\n",
        ),
        ("[hooks]\nafter_zzzzzz = [\"fmt\"]", "`after_zzzzzz` names no phase: there is no `zzzzzz` @ after_zzzzzz\n"),
        (
            "[hooks]\nbefore_al = [\"fmt\"]",
            "`before_al` names no phase: there is no `al` @ before_al = did you mean `before_all`?\n",
        ),
        (
            "[hooks]\nbefor_build = [\"fmt\"]",
            "unknown key `befor_build` in `[hooks]` @ befor_build = did you mean `before_build`?\n",
        ),
        (
            "[hooks]\nwhatever = [\"fmt\"]",
            "unknown key `whatever` in `[hooks]` @ whatever = known here: `before_all`, `after_all`, `before_` or `after_` with a phase's name, `finally`, `on_success`, `on_error`\n",
        ),
        (
            "[hooks]\nfinaly = [\"fmt\"]\non_sucess = [\"fmt\"]",
            "unknown key `finaly` in `[hooks]` @ finaly = did you mean `finally`?\nunknown key `on_sucess` in `[hooks]` @ on_sucess = did you mean `on_success`?\n",
        ),
        (
            "[hooks]\nfinally = [\"fmt\", \"fmt\"]\non_error = [\"lnt\"]",
            "`fmt` is given twice @ \"fmt\" (for the second time here)\nthere is no phase `lnt` @ \"lnt\" = did you mean `lint`?\n",
        ),
        ("[hooks]\nbefore_all = [\"fmd\"]", "there is no phase `fmd` @ \"fmd\" = did you mean `fmt`?\n"),
        (
            "[hooks]\nbefore_all = \"fmt\"",
            "`before_all` must be an array of strings @ \"fmt\" (this is a string) = put it in brackets: `[\"fmt\"]`\n",
        ),
        ("[hooks]\nbefore_lint = [\"lint\"]", "`lint` cannot be a hook of itself @ \"lint\"\n"),
        (
            "[hooks]\nafter_all = [\"fmt\", \"lint\", \"fmt\"]",
            "`fmt` is given twice @ \"fmt\" (for the second time here)\n",
        ),
        ("[hooks]\nafter_all = [[]]", "every entry of `after_all` must be a string @ [] (this is an array)\n"),
        (r#"hooks = ["fmt"]"#, "`hooks` must be a table @ [\"fmt\"] (this is an array)\n"),
    ] {
        assert_eq!(brief(text), expected);
    }
}

#[test]
fn members_and_folders() {
    for (text, expected) in [
        ("[workspace.appi]", "no member of the workspace is called `appi` @ appi = did you mean `api`?\n"),
        (
            "[workspace.website]",
            "no member of the workspace is called `website` @ website = a folder that is no Cargo package is declared with `path = \"…\"`\n",
        ),
        ("workspace.api = 3", "`api` must be a table @ 3 (this is a whole number)\n"),
        (
            "[workspace.api]\npath = \"web\"",
            "`api` is a Cargo package: its folder is known @ \"web\" = leave `path` out, or give the folder another name\n",
        ),
        ("[workspace.web]\npath = 3", "`path` must be a string @ 3 (this is a whole number)\n"),
        ("[workspace.web]\npath = \"\"", "`path` must name a folder below the workspace root @ \"\"\n"),
        ("[workspace.web]\npath = \".\"", "`path` must name a folder below the workspace root @ \".\"\n"),
        (
            "[workspace.web]\npath = \"../web\"",
            "`path` must lie inside the workspace @ \"../web\" = it is seen from the workspace root, and has no `..`\n",
        ),
        (
            "[workspace.web]\npath = \"/web\"",
            "`path` must lie inside the workspace @ \"/web\" = it is seen from the workspace root, and has no `..`\n",
        ),
        ("[workspace.web]\npath = \"wbe\"", "there is no folder `wbe` in the workspace @ \"wbe\"\n"),
        ("[workspace.web]\npath = \"file\"", "there is no folder `file` in the workspace @ \"file\"\n"),
        (
            "[workspace.web]\npath = \"web\"\n[workspace.again]\npath = \"./web/\"",
            "two folders have the same `path` @ \"./web/\", \"web\" (the other one is here)\n",
        ),
        ("[workspace.\"a b\"]\npath = \"web\"", "the name of a folder must not contain white space @ \"a b\"\n"),
        (
            "[workspace.api]\ndepends-on = [\"core\", \"cro\", \"api\", \"core\", \"nothing\", 1]",
            "no member of the workspace is called `cro` @ \"cro\"\n`api` cannot depend on itself @ \"api\"\n`core` is given twice @ \"core\" (for the second time here)\nno member of the workspace is called `nothing` @ \"nothing\"\nevery entry of `depends-on` must be a string @ 1 (this is a whole number)\n",
        ),
        (
            "[workspace.api]\nenv = { A = 1 }",
            "`A` must be a string @ 1 (this is a whole number) = a variable's value is text: put it in quotes\n",
        ),
        ("[workspace.api]\nlifecycle = 3", "`lifecycle` must be a table @ 3 (this is a whole number)\n"),
        (
            "[workspace.api]\nlifecycle.lnt.cache = false",
            "the phase `lnt` has no command @ lnt = did you mean `lint`? Or give it a `command = \"…\"`\n",
        ),
        (
            "[workspace.api]\nlifecycle.deploy.comand = \"x\"",
            "unknown key `comand` in `[workspace.api] lifecycle.deploy` @ comand = did you mean `command`?\n",
        ),
        (
            "[workspace.web]\npath = \"web\"\nlifecycle.build.command = \"make {spec}\"",
            "`{spec}` has no value in `web` @ {spec} (a folder is no Cargo package)\n",
        ),
        (
            "[workspace.web]\npath = \"web\"\nlifecycle.build.command = \"make {selected}\"",
            "`{selected}` has no value in `web` @ {selected} (a folder is no Cargo package)\n",
        ),
        (
            "[workspace.web]\npath = \"web\"\nlifecycle.build.cache = false",
            "`build` has no command that can run in `web` @ build (a folder is no Cargo package) = give it its own: `lifecycle.build.command = \"…\"`\n",
        ),
        (
            "[lifecycle.up]\nscope = \"workspace\"\ncommand = \"up\"\n[workspace.api]\nlifecycle.up.command = \"down\"",
            "`up` runs once for the whole workspace: `api` cannot have its own @ up\n",
        ),
    ] {
        assert_eq!(brief(text), expected);
    }
}

#[cfg(unix)]
#[test]
fn a_link_out_of_the_workspace_is_not_inside_it() {
    let (root, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::os::unix::fs::symlink(outside.path(), root.path().join("web")).unwrap();
    let source = source("[workspace.web]\npath = \"web\"");
    let problems = understand(Some(&source), root.path(), &[]).unwrap_err();
    assert_eq!(problems.list()[0].places[0].1, "this is a link that leads out of it");
}

#[test]
fn bounds_of_the_cache() {
    const SIZE: &str = " = a whole number and a unit: B, KB, MB, GB, KiB, MiB or GiB; a number alone is bytes\n";
    const AGE: &str = " = a whole number and a unit: s, m, h, d (days) or w (weeks)\n";
    for value in ["'2'", "'GiB'", "'2 gb'", "'1.5GiB'", "'-1B'", "''", "'99999999999GiB'", "-1"] {
        let expected = format!("`max-size` must be a size, such as `\"2GiB\"` @ {value}{SIZE}");
        assert_eq!(brief(&format!("[cache]\nmax-size = {value}")), expected);
    }
    for value in ["'2'", "'d'", "'1M'", "'1.5d'", "'-1d'", "'99999999999999999999d'"] {
        let expected = format!("`max-age` must be a length of time, such as `\"30d\"` @ {value}{AGE}");
        assert_eq!(brief(&format!("[cache]\nmax-age = {value}")), expected);
    }
    assert_eq!(
        brief("[cache]\nmax-size = 1.5\nmax-age = 30\nmax-count = 1"),
        "`max-size` must be a size, such as `\"2GiB\"` @ 1.5 (this is a number with a fraction)\n`max-age` must be a length of time, such as `\"30d\"` @ 30 (this is a whole number)\nunknown key `max-count` in `[cache]` @ max-count = known here: `max-size`, `max-age`\n"
    );
    assert_eq!(
        brief("[lifecycle.gen]\ncommand = 'x'\ntimeout = 600\nretries = 'often'"),
        "`timeout` must be a length of time, such as `\"10m\"` @ 600 (this is a whole number)\n`retries` must be a whole number @ 'often' (this is a string)\n"
    );
    assert_eq!(
        brief(
            "[lifecycle.test]\ninteractive = true\n[workspace.api]\nlifecycle.go.interactive = true\n[lifecycle.go]\ncommands = ['x', 'y']\nparallel = true"
        ),
        "`interactive` does not go with the engine for tests, which runs them side by side @ true = `engine = \"command\"` leaves all of it to cargo\n`interactive` does not go with `parallel`: one command at a time has the terminal @ true\n"
    );
    for value in ["'0s'", "'10'", "'10 minutes'"] {
        let expected = format!("`timeout` must be a length of time, such as `\"10m\"` @ {value}{AGE}");
        assert_eq!(brief(&format!("[lifecycle.gen]\ncommand = 'x'\ntimeout = {value}")), expected);
    }
    for value in ["-1", "1001", "99999999999999999999"] {
        let expected = format!("`retries` must be a number from 0 to 1000 @ {value}\n");
        assert_eq!(brief(&format!("[lifecycle.gen]\ncommand = 'x'\nretries = {value}")), expected);
    }
    assert_eq!(brief("cache = true"), "`cache` must be a table @ true (this is a boolean)\n");
}
