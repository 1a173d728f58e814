"""What makes each alert fire, by the name of the alert; or why nothing here does.

Each function breaks something on a day that is under way, waits until the alert's expression has a series, and mends it. What
an alert waits (`for`) before somebody is paged is not waited for.
"""

import resource
import shutil
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from botocore.exceptions import ClientError

from preloads import MovedClock, slow_disk

# What cannot be broken from outside.
NOT_TRIED = {"EventyardBug": "it takes a bug"}
MINUTE = 60


def down(day, fires):
    day.service.stop()
    fires()
    day.service.start()


def restarts_often(day, fires):
    for _ in range(4):
        day.service.stop()
        day.service.start()
        day.wait_for_scrapes(2)
    fires()


@contextmanager
def restarted_with(day, prepare=None, environment=None, **options):
    day.service.stop()
    options = {f"EVENTYARD_{name}": str(value) for name, value in options.items()}
    day.service.start(options | (environment or {}), prepare)
    try:
        yield
    finally:
        day.service.stop()
        day.service.start()


def disk_slow(day, fires):
    """Every group of what is put waits for an fsync that takes longer than the alert allows."""
    with restarted_with(day, environment=slow_disk(day.folder, milliseconds=600)):
        day.wait_for_scrapes(2)
        for _ in range(5):
            day.put_events(1, source="load")
        fires()
    day.wait_until_settled()


def schedules_late(day, fires):
    """The clock jumps past a full minute: what was due then is late, but by less than what counts as missed."""
    clock = MovedClock(day.folder)
    with restarted_with(day, environment=clock.environment()):
        day.wait_for_scrapes(2)
        # What was due at the last full minute has fired, and the next one does not come before the clock is moved.
        while not 5 < (second := time.time() % MINUTE) < 50:
            time.sleep(1)
        clock.put_forward(MINUTE - second + 8)
        fires()


def schedules_missed(day, fires):
    """The clock jumps over several minutes, and nothing is made up for. It was a minute ahead before, where it has fired."""
    clock = MovedClock(day.folder)
    with restarted_with(day, environment=clock.environment(), SCHEDULES__CATCH_UP="skip"):
        day.wait_for_scrapes(2)
        clock.put_forward(4 * MINUTE)
        fires()


def disk_full(day, fires):
    """No file system is as free as that."""
    with restarted_with(day, JOURNAL__FREE_SPACE_BYTES_MIN=1 << 50):
        fires()


def requests_fail(day, fires):
    with restarted_with(day, JOURNAL__FREE_SPACE_BYTES_MIN=1 << 50):
        for number in range(6):
            for other in range(5):
                assert day.refused(f"never-{number}-{other}") == "InternalException"
            day.wait_for_scrapes(1)
        fires()


def backlog_full(day, fires):
    """The backlog may have so little that some events that cannot be delivered fill it."""
    with restarted_with(day, JOURNAL__SIZE_BYTES_MAX=1 << 20):
        day.sink_hangs("/load")
        try:
            while True:
                day.put_events(10, source="load", padding=20_000)
        except ClientError as error:
            assert error.response["Error"]["Code"] == "ThrottlingException", error
        fires()
        day.sink_works("/load")
    day.wait_until_settled()


def copies_given_up(day, fires):
    """The dead letters of a target are wanted where nobody takes them."""
    gone = f"{day.sink.url}/gone"
    target = {"Id": "copied", "Arn": gone, "DeadLetterConfig": {"Arn": gone}}
    day.boto3().put_targets(Rule="gone", Targets=[target])
    day.put_events(1, source="gone")
    fires()
    day.boto3().remove_targets(Rule="gone", Ids=["copied"])


def configuration_broken(day, fires):
    file = day.service.path("/etc/eventyard/eventyard.toml")
    good = file.read_text()
    file.write_text(good + "nothing_is_called_so = 1\n")
    day.service.signal(signal.SIGHUP)
    fires()
    file.write_text(good)
    day.service.signal(signal.SIGHUP)


def collector_down(day, fires):
    with restarted_with(day, TRACES__ENDPOINT="http://127.0.0.1:9/v1/traces"):
        for _ in range(4):
            day.put_events(10, source="load")
            day.wait_for_scrapes(1)
        fires()
    day.wait_until_settled()


def backlog_grows(day, fires):
    day.sink_hangs("/load")
    for _ in range(8):
        day.put_events(150, source="load")
        day.wait_for_scrapes(1)
    fires()
    day.sink_works("/load")
    day.wait_until_settled()


def target_down(day, fires):
    day.sink_fails("/load")
    try:
        day.put_events(20, source="load")
        fires()
    finally:
        day.sink_works("/load")
    day.wait_until_settled()


def targets_paused(day, fires):
    day.eventyard("rules", "pause", day.rule_arn("load"), "--admin")
    try:
        # Only a target that is owed something is counted.
        day.put_events(1, source="load")
        fires()
    finally:
        day.eventyard("rules", "resume", day.rule_arn("load"), "--admin")
        day.wait_until_settled()


def given_up(day, fires):
    day.put_events(1, source="gone")
    fires()


def dead_letters_deleted(day, fires):
    with restarted_with(day, DEAD_LETTERS__SIZE_BYTES_MAX=1 << 20):
        day.put_events(1, source="gone")  # the counter has a value before it rises
        for _ in range(3):
            day.put_events(10, source="gone", padding=50_000)
        fires()


def strangers(day, fires):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: day.knock(), range(800)))
        day.wait_for_scrapes(2)
        list(pool.map(lambda _: day.knock(), range(800)))
    fires()


def open_to_everybody(day, fires):
    """Somebody takes the accounts and the token out, and opens it to the network."""
    file = day.service.path("/etc/eventyard/eventyard.toml")
    good = file.read_text()
    lines = good.partition("[[accounts]]")[0].splitlines(keepends=True)
    file.write_text("".join(line for line in lines if not line.startswith("token_hashes")))
    with restarted_with(day, API__DANGEROUS_ALLOW_ANONYMOUS="true", API__LISTEN=f"0.0.0.0:{day.api_port}",
                        ADMIN__LISTEN=f"0.0.0.0:{day.admin_port}"):  # fmt: skip
        fires()
        file.write_text(good)


def certificate_broken(day, fires):
    key = day.authority.folder / "server.key"
    good = key.read_text()
    key.write_text("no key")
    day.service.signal(signal.SIGHUP)
    fires()
    key.write_text(good)
    day.service.signal(signal.SIGHUP)


def few_files_left(day, fires):
    def prepare():
        resource.setrlimit(resource.RLIMIT_NOFILE, (400, 400))

    with restarted_with(day, prepare):
        host = ("127.0.0.1", day.api_port)
        clients = [socket.create_connection(host, timeout=30) for _ in range(360)]
        fires()
        for client in clients:
            client.close()


def disk_fills_up(day, fires):
    """The prediction looks at how the free space went; a file that grows beside the data makes it go down."""
    filler = day.service.path("/var/lib/filler")
    chunk = bytes(16 << 20)
    deadline = time.monotonic() + 30
    with open(filler, "wb") as file:
        while not day.prometheus.count(day.alerts["EventyardDiskFillsUp"]):
            assert time.monotonic() < deadline, "the prediction sees nothing"
            if file.tell() < 512 << 20:
                file.write(chunk)
                file.flush()
            time.sleep(0.5)
    filler.unlink()


def damage_on_disk(day, fires):
    """A byte of the journal's log is not the one that was written. Afterwards the folder is put back as it was before."""
    data = day.service.path("/var/lib/eventyard")
    whole = data.with_name("eventyard.whole")
    day.put_events(10, source="load")
    day.wait_until_settled()
    day.service.stop()
    shutil.copytree(data, whole)
    log = max((data / "journal").glob("*.jnl"), key=lambda path: len(path.read_bytes().rstrip(b"\0")))
    written = bytearray(log.read_bytes())
    written[len(written.rstrip(b"\0")) // 2] ^= 1
    log.write_bytes(written)
    day.service.start()
    try:
        fires()
    finally:
        day.service.stop()
        shutil.rmtree(data)
        whole.rename(data)
        day.service.start()


def backups_fail(day, fires):
    """Whoever asks for a backup goes away before the end; more is owed than the buffers between both hold."""
    day.sink_hangs("/load")
    try:
        day.put_events(1_000, source="load", padding=20_000)
        backup = day.ask_for_backup()
        assert len(backup.read(1_000)) == 1_000
        backup.close()
        fires()
    finally:
        day.sink_works("/load")
    day.wait_until_settled()


TROUBLE = {
    # First what other troubles make fire as well; and later slow commits would be less than a hundredth of all.
    "EventyardRestartsOften": restarts_often,
    "EventyardDiskFillsUp": disk_fills_up,
    "EventyardCommitsSlowly": disk_slow,
    "EventyardSchedulesLate": schedules_late,
    "EventyardSchedulesMissed": schedules_missed,
    "EventyardTargetsPaused": targets_paused,
    "EventyardDeliveriesGivenUp": given_up,
    "EventyardTargetsLeftAlone": target_down,
    "EventyardTargetsFail": target_down,
    "EventyardDeadLettersNotQueued": copies_given_up,
    "EventyardBacklogGrows": backlog_grows,
    "EventyardBacklogFull": backlog_full,
    "EventyardConfigurationNotReloaded": configuration_broken,
    "EventyardSpansDropped": collector_down,
    "EventyardCertificateNotReloaded": certificate_broken,
    "EventyardDown": down,
    "EventyardJournalFull": disk_full,
    "EventyardDamageOnDisk": damage_on_disk,
    "EventyardBackupsFail": backups_fail,
    "EventyardRequestsFail": requests_fail,
    "EventyardDeadLettersDeleted": dead_letters_deleted,
    "EventyardOpenToEverybody": open_to_everybody,
    "EventyardFewFilesLeft": few_files_left,
    # Last: so many requests that are refused would be more than what others have a hundredth of.
    "EventyardRefusesClients": strangers,
}
