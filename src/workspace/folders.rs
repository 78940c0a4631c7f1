//! Adds the folders that make.toml declares to a workspace of packages. It looks at no file.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::{Dependency, DependencyKind, Member, MemberId, Project, Workspace};

/// Appends make.toml's folders as members, in the order of their names, and adds the edges of `depends-on`. Names that
/// nobody has are `config`'s to complain about and are passed by.
pub fn add_folders(workspace: &mut Workspace, project: &Project) {
    let mut folders: Vec<_> = project.folders.iter().collect();
    folders.sort_by(|a, b| a.name.cmp(&b.name));
    for folder in folders {
        workspace.members.push(Member {
            name: Arc::clone(&folder.name),
            dir: workspace.root.join(&*folder.path),
            relative_dir: Arc::clone(&folder.path),
            package: None,
            dependencies: Vec::new(),
        });
    }
    add_edges(workspace, project);
}

fn add_edges(workspace: &mut Workspace, project: &Project) {
    let by_name: HashMap<Arc<str>, MemberId> =
        workspace.ids().map(|id| (Arc::clone(&workspace.member(id).name), id)).collect();
    for (from, to) in &project.depends_on {
        let (Some(from), Some(to)) = (by_name.get(from), by_name.get(&to.name)) else { continue };
        let edge = Dependency { member: *to, kind: DependencyKind::Normal };
        if let Some(member) = workspace.members.get_mut(from.index()) {
            member.dependencies.push(edge);
            member.dependencies.sort_unstable();
            member.dependencies.dedup();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Folder, Named, Span};

    fn member(name: &str) -> Member {
        Member {
            name: name.into(),
            dir: "/ws".into(),
            relative_dir: "".into(),
            package: None,
            dependencies: Vec::new(),
        }
    }

    #[test]
    fn folders_come_last_and_depend_on_whom_they_say() {
        let mut workspace = Workspace { root: "/ws".into(), members: vec![member("api")], ..Workspace::default() };
        let folder = |name: &str, path: &str| Folder { name: name.into(), path: path.into(), span: Span::default() };
        let named = |name: &str| Named { name: name.into(), span: Span::default() };
        let project = Project {
            folders: vec![folder("web", "sites/web"), folder("docs", "docs")],
            depends_on: vec![
                ("web".into(), named("docs")),
                ("web".into(), named("api")),
                ("web".into(), named("api")),
                ("api".into(), named("docs")),
                ("web".into(), named("nobody")),
            ],
            ..Project::default()
        };
        add_folders(&mut workspace, &project);
        let names: Vec<&str> = workspace.members.iter().map(|member| &*member.name).collect();
        assert_eq!(names, ["api", "docs", "web"]);
        let edges = |place: usize| -> Vec<usize> {
            workspace.members[place].dependencies.iter().map(|edge| edge.member.index()).collect()
        };
        assert_eq!((edges(0), edges(1), edges(2)), (vec![1], vec![], vec![0, 1]));
        assert_eq!(workspace.members[2].dir, std::path::Path::new("/ws/sites/web"));
        assert_eq!(&*workspace.members[2].relative_dir, "sites/web");
    }
}
