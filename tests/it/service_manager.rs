//! The `sd_notify` protocol and the systemd unit that relies on it.

use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;

use crate::support::Daemon;

fn hear(ears: &UnixDatagram) -> String {
    let mut text = [0; 300];
    let length = ears.recv(&mut text).unwrap();
    String::from_utf8_lossy(&text[..length]).into_owned()
}

/// The next thing the daemon says that is no sign of life.
fn next(ears: &UnixDatagram) -> String {
    loop {
        let heard = hear(ears);
        if heard != "WATCHDOG=1" {
            return heard;
        }
    }
}

#[test]
fn the_service_manager_hears_of_each_step_and_that_the_daemon_lives() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("notify");
    let ears = UnixDatagram::bind(&socket).unwrap();
    ears.set_read_timeout(Some(std::time::Duration::from_secs(60))).unwrap();
    let mut daemon = Daemon::start_in_environment(
        &folder.path().join("data"),
        &[("NOTIFY_SOCKET", socket.to_str().unwrap()), ("WATCHDOG_USEC", "20000")],
    );
    assert_eq!(next(&ears), "READY=1");
    assert_eq!([hear(&ears), hear(&ears), hear(&ears)], ["WATCHDOG=1"; 3]);
    daemon.signal("HUP");
    assert!(next(&ears).starts_with("RELOADING=1\nMONOTONIC_USEC="));
    assert_eq!(next(&ears), "READY=1");
    daemon.signal("TERM");
    assert_eq!(next(&ears), "STOPPING=1");
    assert!(daemon.wait().success());
}

#[test]
fn the_unit_is_one_that_systemd_takes() {
    let unit = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/systemd/eventyard.service");
    let text = std::fs::read_to_string(&unit).unwrap();
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        println!("SKIPPED: systemd-analyze is not installed; the unit was not verified");
        return;
    }
    // It looks whether the program is there; here that is the one under test.
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().join("eventyard.service");
    std::fs::write(&here, text.replace("/usr/bin/eventyard", env!("CARGO_BIN_EXE_eventyard"))).unwrap();
    let sockets = ["eventyard-api.socket", "eventyard-admin.socket"].map(|name| {
        std::fs::copy(unit.with_file_name("sockets").join(name), folder.path().join(name)).unwrap();
        folder.path().join(name)
    });
    let verified =
        Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&here).args(sockets).output().unwrap();
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    assert!(verified.status.success() && !said.contains("eventyard"), "{said}");
    let exposure = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--threshold=15", "--no-pager"])
        .arg(&here)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&exposure.stdout).into_owned() + &String::from_utf8_lossy(&exposure.stderr);
    println!("{}", said.lines().last().unwrap_or_default());
    assert!(exposure.status.success(), "the exposure is above 1.5: {said}");
}
