//! The targets: HTTP servers that fail in every way there is, each in its own weather.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use eventyard::runtime::Random;

use crate::facts::Fact;
use crate::oracle::{Arrival, IMPATIENT, ORDERED, Oracle, TARGETS};

/// The servers: one for each target, and one that plays the queue for copies of dead letters.
const SERVERS: usize = TARGETS.len() + 1;
const QUEUE: usize = TARGETS.len();

/// How a target treats requests for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weather {
    /// 200.
    Takes,
    /// 200, after up to 300 ms.
    Slow,
    /// 500 or 503.
    Fails,
    /// 429 with Retry-After.
    Busy,
    /// 404 for some, for good; 200 for the others.
    Refuses,
    /// 307 for some; 200 for the others.
    Redirects,
    /// The connection is reset before the request is read.
    Resets,
    /// Its side of the connection ends once the request is read, without an answer.
    HalfCloses,
    /// 200, and the connection ends in the middle of the body.
    CutsShort,
    /// It reads and never answers.
    Silent,
    /// Nobody listens.
    Down,
}

/// What a target may meet beside taking everything.
const BAD: [Weather; 10] = [
    Weather::Slow,
    Weather::Fails,
    Weather::Busy,
    Weather::Refuses,
    Weather::Redirects,
    Weather::Resets,
    Weather::HalfCloses,
    Weather::CutsShort,
    Weather::Silent,
    Weather::Down,
];

/// How an attempt is answered.
enum Answer {
    Status(u16, &'static str),
    Late(Duration),
    HalfClose,
    CutShort,
    Never,
}

impl Answer {
    fn is_taken(&self) -> bool {
        matches!(self, Self::Status(200, _) | Self::Late(_) | Self::CutShort)
    }
}

/// All targets.
#[derive(Debug)]
pub(crate) struct Targets(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    addresses: Vec<SocketAddr>,
    weather: Mutex<[Weather; SERVERS]>,
    is_calm: AtomicBool,
    is_over: AtomicBool,
    oracle: Arc<Mutex<Oracle>>,
}

impl Targets {
    pub(crate) fn start(oracle: &Arc<Mutex<Oracle>>, seed: u64) -> io::Result<Self> {
        let listeners: Vec<_> =
            (0..SERVERS).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).collect::<io::Result<_>>()?;
        let shared = Arc::new(Shared {
            addresses: listeners.iter().map(TcpListener::local_addr).collect::<io::Result<_>>()?,
            weather: Mutex::new([Weather::Takes; SERVERS]),
            is_calm: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
            oracle: Arc::clone(oracle),
        });
        for (target, listener) in listeners.into_iter().enumerate() {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || shared.listen(target, listener));
        }
        let changing = Arc::clone(&shared);
        std::thread::spawn(move || changing.change(&Random::from_seed(seed)));
        Ok(Self(shared))
    }

    /// The URL of a target.
    pub(crate) fn url(&self, target: usize) -> String {
        format!("http://{}/{}", self.0.addresses[target], TARGETS[target])
    }

    /// Where AWS services are, of which there is the queue only.
    pub(crate) fn aws_endpoint(&self) -> String {
        format!("http://{}", self.0.addresses[QUEUE])
    }

    /// Whether all targets take everything, so that what is owed can be delivered.
    pub(crate) fn set_calm(&self, is_calm: bool) {
        self.0.is_calm.store(is_calm, Ordering::Relaxed);
        if is_calm {
            *self.0.weather() = [Weather::Takes; SERVERS];
        }
    }
}

impl Drop for Targets {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::Relaxed);
    }
}

impl Shared {
    fn weather(&self) -> MutexGuard<'_, [Weather; SERVERS]> {
        self.weather.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn oracle(&self) -> MutexGuard<'_, Oracle> {
        self.oracle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// Gives one target after the other a new weather.
    fn change(&self, random: &Random) {
        while !self.is_over() {
            std::thread::sleep(Duration::from_millis(100 + random.next_u64() % 400));
            let target = usize::try_from(random.next_u64()).unwrap_or(usize::MAX) % SERVERS;
            let draw = usize::try_from(random.next_u64()).unwrap_or(usize::MAX) % (BAD.len() * 2);
            let next = match target {
                // There is always one that takes everything, sometimes slowly.
                0 if draw > BAD.len() => Weather::Slow,
                0 => Weather::Takes,
                // One that is refused for good and sent again comes out of its order.
                ORDERED if matches!(BAD.get(draw), Some(Weather::Refuses | Weather::Redirects)) => Weather::Fails,
                // Few deliveries die at once, so the queue has to be failing often to meet one.
                QUEUE if draw > BAD.len() => Weather::Fails,
                _ => BAD.get(draw).copied().unwrap_or(Weather::Takes),
            };
            let mut weather = self.weather();
            if !self.is_calm.load(Ordering::Relaxed) {
                weather[target] = next;
            }
        }
    }

    fn listen(self: &Arc<Self>, target: usize, listener: TcpListener) {
        let mut listener = Some(listener);
        while !self.is_over() {
            let is_down = self.weather()[target] == Weather::Down;
            match &listener {
                Some(_) if is_down => listener = None,
                Some(listening) => self.accept(target, listening),
                None if is_down => std::thread::sleep(Duration::from_millis(5)),
                None => {
                    // Another connection may have the port for a moment.
                    listener = TcpListener::bind(self.addresses[target]).ok();
                    std::thread::sleep(Duration::from_millis(5));
                }
            }
        }
    }

    /// Takes what connections there are, and rests.
    fn accept(self: &Arc<Self>, target: usize, listener: &TcpListener) {
        let _ = listener.set_nonblocking(true);
        while let Ok((stream, _)) = listener.accept() {
            let shared = Arc::clone(self);
            let seed = u64::from(stream.peer_addr().map_or(0, |peer| peer.port()));
            // Whatever ends a connection is what a target may do.
            std::thread::spawn(move || shared.serve(target, &stream, &Random::from_seed(seed)));
        }
        std::thread::sleep(Duration::from_millis(2));
    }

    fn serve(&self, target: usize, stream: &TcpStream, random: &Random) -> io::Result<()> {
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        // Idle connections go with the daemon, or soon after the run.
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        let mut reader = BufReader::new(stream.try_clone()?);
        loop {
            if stream.peek(&mut [0])? == 0 || self.is_over() {
                return Ok(());
            }
            if matches!(self.weather()[target], Weather::Resets | Weather::Down) {
                // With bytes that nobody read, the system resets the connection.
                return Ok(());
            }
            let Some((attempt, body)) = read_request(&mut reader)? else { return Ok(()) };
            let answer = self.answer(target, random);
            if target == QUEUE {
                self.oracle().copy(&body);
            } else {
                self.note(target, attempt, &answer, &body);
            }
            if !give(stream, &answer)? {
                return Ok(());
            }
        }
    }

    fn note(&self, target: usize, attempt: u32, answer: &Answer, body: &[u8]) {
        let is_told_to_wait = matches!(answer, Answer::Status(_, asked) if asked.contains("Retry-After"));
        let arrival = Arrival { target, attempt, is_taken: answer.is_taken(), is_told_to_wait };
        // After its one retry it gives up.
        let dies = target == IMPATIENT && attempt > 1 && !arrival.is_taken;
        let is_queue_failing = self.weather()[QUEUE].is_failing();
        let mut oracle = self.oracle();
        oracle.arrive(body, arrival);
        oracle.facts.meet_if(dies && is_queue_failing, Fact::DiedWhileQueueFailed);
    }

    fn answer(&self, target: usize, random: &Random) -> Answer {
        let weather = *self.weather();
        let draw = random.next_u64();
        match weather[target] {
            Weather::Slow => Answer::Late(Duration::from_millis(draw % 300)),
            Weather::Fails if draw.is_multiple_of(2) => Answer::Status(500, ""),
            Weather::Fails => Answer::Status(503, ""),
            Weather::Busy => Answer::Status(429, "Retry-After: 1\r\n"),
            Weather::Refuses if draw.is_multiple_of(3) => {
                let other = weather.iter().enumerate().any(|(other, weather)| other != target && weather.is_failing());
                self.oracle().facts.meet_if(other, Fact::RefusedWhileAnotherFailed);
                Answer::Status(404, "")
            }
            Weather::Redirects if draw.is_multiple_of(3) => Answer::Status(307, "Location: http://127.0.0.1:1/\r\n"),
            Weather::Takes | Weather::Refuses | Weather::Redirects | Weather::Resets | Weather::Down => {
                Answer::Status(200, "")
            }
            Weather::HalfCloses => Answer::HalfClose,
            Weather::CutsShort => Answer::CutShort,
            Weather::Silent => Answer::Never,
        }
    }
}

impl Weather {
    fn is_failing(self) -> bool {
        matches!(self, Self::Fails | Self::Resets | Self::HalfCloses | Self::Silent | Self::Down)
    }
}

/// The number of the attempt and the body of the next request, or nothing when there is none.
fn read_request(reader: &mut BufReader<TcpStream>) -> io::Result<Option<(u32, Vec<u8>)>> {
    let (mut length, mut attempt) = (0, 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        if line == "\r\n" {
            break;
        }
        let line = line.to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        } else if let Some(value) = line.strip_prefix("eventyard-attempt:") {
            attempt = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some((attempt, body)))
}

/// Gives the answer; false when the connection is not to be used again.
fn give(mut stream: &TcpStream, answer: &Answer) -> io::Result<bool> {
    match answer {
        Answer::Late(duration) => std::thread::sleep(*duration),
        Answer::Status(..) => {}
        Answer::HalfClose => {
            stream.shutdown(Shutdown::Write)?;
            // The other side may go on sending for a while.
            let _ = stream.read(&mut [0; 1_024]);
            return Ok(false);
        }
        Answer::CutShort => {
            stream.write_all(b"HTTP/1.1 200 -\r\nContent-Length: 100\r\n\r\nhalf")?;
            return Ok(false);
        }
        Answer::Never => {
            std::thread::sleep(Duration::from_secs(3));
            return Ok(false);
        }
    }
    let (status, more) = match answer {
        Answer::Status(status, more) => (*status, *more),
        _ => (200, ""),
    };
    stream.write_all(format!("HTTP/1.1 {status} -\r\n{more}Content-Length: 2\r\n\r\n{{}}").as_bytes())?;
    Ok(true)
}
