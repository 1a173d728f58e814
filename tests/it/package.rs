//! The Debian package, as `cargo deb` is told to make it: all its parts are there, and they fit together.

use std::path::Path;
use std::process::Command;

use toml::Table;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where each file comes from, and the folder it goes to.
fn assets() -> Vec<(String, String)> {
    let manifest: Table = std::fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    let assets = manifest["package"]["metadata"]["deb"]["assets"].as_array().unwrap();
    assets.iter().map(|asset| [0, 1].map(|part| asset[part].as_str().unwrap().to_owned()).into()).collect()
}

#[test]
fn all_its_files_are_there() {
    for (source, _) in assets() {
        let source = root().join(source);
        if source.starts_with(root().join("target")) {
            continue;
        }
        let (folder, name) = (source.parent().unwrap(), source.file_name().unwrap().to_string_lossy());
        let ending = name.strip_prefix('*').unwrap_or(&name);
        let mut found = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        assert!(found.any(|found| found.to_string_lossy().ends_with(ending)), "{}", source.display());
    }
}

/// The path that a file of the project has in the package.
fn packaged(source: &Path) -> Option<String> {
    let (folder, name) = (source.parent()?.to_str()?, source.file_name()?.to_str()?);
    assets().into_iter().find_map(|(pattern, to)| {
        let (of, wanted) = pattern.rsplit_once('/').unwrap_or(("", &pattern));
        let fits = of == folder && wanted.strip_prefix('*').map_or(name == wanted, |ending| name.ends_with(ending));
        fits.then(|| if to.ends_with('/') { format!("{to}{name}") } else { to })
    })
}

#[test]
fn the_documentation_lies_as_in_the_project() {
    for page in ["README.md", "SECURITY.md", "docs/OPERATIONS.md", "docs/targets/README.md", "config/eventyard.toml"] {
        assert_eq!(packaged(Path::new(page)), Some(format!("usr/share/doc/eventyard/{page}")));
    }
    for file in ["deploy/systemd/eventyard.service", "deploy/debian/eventyard.toml"] {
        let text = std::fs::read_to_string(root().join(file)).unwrap();
        let named: Vec<_> = text.split("/usr/share/doc/eventyard/").skip(1).collect();
        assert!(!named.is_empty(), "{file}");
        for rest in named {
            let path = rest.split([' ', '\n', ':']).next().unwrap().trim_end_matches('.');
            assert!(packaged(Path::new(path)).is_some(), "{file} names {path}, which is not in the package");
        }
    }
}

/// `EVENTYARD_WRITE_DOCS=1 cargo test --test it package::` writes them again.
#[test]
fn the_completions_are_those_of_the_program() {
    for (shell, file) in [("bash", "eventyard.bash"), ("zsh", "_eventyard"), ("fish", "eventyard.fish")] {
        let path = root().join("deploy/completions").join(file);
        let printed =
            Command::new(env!("CARGO_BIN_EXE_eventyard")).args(["completions", shell]).output().unwrap().stdout;
        if std::env::var_os("EVENTYARD_WRITE_DOCS").is_some() {
            std::fs::write(&path, &printed).unwrap();
        }
        assert!(std::fs::read(&path).unwrap() == printed, "{} is not what the program prints", path.display());
        assert!(packaged(Path::new("deploy/completions").join(file).as_path()).is_some());
    }
}

#[test]
fn the_unit_names_files_of_the_package() {
    let unit = std::fs::read_to_string(root().join("deploy/systemd/eventyard.service")).unwrap();
    let command = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    let placed: Vec<String> = assets()
        .iter()
        .map(|(source, folder)| format!("/{folder}{}", Path::new(source).file_name().unwrap().to_string_lossy()))
        .collect();
    for path in command.split(' ').filter(|word| word.starts_with("/usr/") || word.starts_with("/etc/")) {
        assert!(placed.iter().any(|placed| placed == path), "{path} is not in the package: {placed:?}");
    }
}

#[test]
fn its_configuration_is_one() {
    let file = root().join("deploy/debian/eventyard.toml");
    let checked =
        Command::new(env!("CARGO_BIN_EXE_eventyard")).args(["config", "check", "--config"]).arg(file).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

#[test]
fn purging_takes_what_the_unit_keeps_and_removing_does_not() {
    let script = std::fs::read_to_string(root().join("deploy/debian/postrm")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().display();
    let script = script.replace("/var/lib", &format!("{here}/var/lib")).replace("/etc/", &format!("{here}/etc/"));
    std::fs::write(folder.path().join("postrm"), script).unwrap();
    let data = folder.path().join("var/lib/private/eventyard/store");
    let configuration = folder.path().join("etc/eventyard");
    std::fs::create_dir_all(&data).unwrap();
    std::fs::create_dir_all(&configuration).unwrap();
    std::fs::write(configuration.join("environment"), "SECRET=x").unwrap();
    let run = |step: &str| {
        let status = Command::new("sh").arg(folder.path().join("postrm")).arg(step).status().unwrap();
        assert!(status.success(), "{step}");
    };
    run("remove");
    assert!(data.exists() && configuration.join("environment").exists());
    run("purge");
    assert!(!folder.path().join("var/lib/private/eventyard").exists() && !configuration.exists());
    run("purge");
}
