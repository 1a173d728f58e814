//! Requests to real servers, with a resolver that says what a test wants.

use eventyard_core::delivery::Verdict;
use eventyard_core::egress::{Egress, Network};
use eventyard_core::target::HttpParameters;
use reqwest::Url;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::address::push_path_value;
use super::*;
use crate::delivery::egress::tests::Rebinding;
use crate::runtime::SystemClock;

/// A server that answers each connection once with `answer` and closes it; answers its port.
async fn server(answer: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    serve(listener, answer);
    port
}

fn serve(listener: TcpListener, answer: &'static str) {
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
}

const TAKEN: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

fn sender(egress: Egress, answers: &[&[&str]]) -> HttpSender {
    let guard = EgressGuard::with_lookup(egress, Rebinding::new(answers));
    HttpSender::new(guard, Arc::new(SystemClock), Duration::from_secs(5), Duration::from_secs(5)).unwrap()
}

async fn send(sender: &HttpSender, arn: &str) -> AttemptOutcome {
    send_within(sender, arn, Timeouts::default()).await
}

async fn send_within(sender: &HttpSender, arn: &str, timeouts: Timeouts) -> AttemptOutcome {
    let url = HttpUrl::parse(arn).unwrap();
    let parameters = HttpParameters::default().compile("t", &url).unwrap();
    let (event, body) = (EventId::from_random(7), "{}".to_owned());
    let request = HttpRequest {
        url: &url,
        parameters: &parameters,
        connection: None,
        recipient: ("rule", "target"),
        envelope: "{}",
        event,
        attempt: 1,
        trace: None,
        body,
        is_event: true,
        timeouts,
    };
    sender.send(request).await
}

#[tokio::test]
async fn a_name_that_is_bound_anew_between_two_attempts_is_looked_at_anew() {
    let url = format!("http://rebinding.example:{}/", server(TAKEN).await);
    let sender =
        sender(Egress::with_loopback(), &[&["127.0.0.1"], &["169.254.169.254"], &["10.0.0.1"], &["127.0.0.1"]]);
    assert_eq!(send(&sender, &url).await, AttemptOutcome::Delivered);
    let metadata = send(&sender, &url).await;
    assert_eq!((metadata.error_code(), metadata.verdict()), ("ADDRESS_FORBIDDEN", Verdict::Permanent));
    assert!(metadata.message().contains("169.254.169.254"), "{}", metadata.message());
    let private = send(&sender, &url).await.message();
    assert_eq!(private, "the address 10.0.0.1 is private, and egress.allow does not list it");
    assert_eq!(send(&sender, &url).await, AttemptOutcome::Delivered);
}

#[tokio::test]
async fn an_address_is_guarded_in_every_notation() {
    let port = server(TAKEN).await;
    let loopback =
        ["127.0.0.1", "2130706433", "0x7f000001", "0177.1", "127.1", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"];
    let (open, shut) = (sender(Egress::with_loopback(), &[&[]]), sender(Egress::default(), &[&[]]));
    for host in loopback {
        let url = format!("http://{host}:{port}/");
        assert_eq!(send(&open, &url).await, AttemptOutcome::Delivered, "{host}");
        assert_eq!(send(&shut, &url).await.error_code(), "ADDRESS_FORBIDDEN", "{host}");
    }
    let all = ["0.0.0.0/0", "::/0"].iter().map(|text| Network::parse(text).unwrap());
    let wide = sender(Egress::new(all.collect()), &[&[]]);
    for host in
        ["169.254.169.254", "2852039166", "0xa9.0xfe.43518", "0251.0376.169.254", "[::ffff:a9fe:a9fe]", "[fe80::1]"]
    {
        assert_eq!(send(&wide, &format!("http://{host}/")).await.error_code(), "ADDRESS_FORBIDDEN", "{host}");
    }
}

#[tokio::test]
async fn a_redirect_is_followed_nowhere() {
    let answer = "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let url = format!("http://127.0.0.1:{}/", server(answer).await);
    let outcome = send(&sender(Egress::with_loopback(), &[&[]]), &url).await;
    assert_eq!(outcome, AttemptOutcome::Redirected { status: 307, location: "http://127.0.0.1:1/".to_owned() });
}

#[tokio::test]
async fn a_target_may_be_given_longer_to_connect_than_all() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    // One connection waits to be accepted, and those after it get no answer until it is.
    let listener = socket.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let waits = TcpStream::connect(address).await.unwrap();
    let guard = EgressGuard::with_lookup(Egress::with_loopback(), Rebinding::new(&[&[]]));
    let sender = HttpSender::new(guard, Arc::new(SystemClock), Duration::from_millis(1), Duration::from_secs(60));
    let (sender, url) = (sender.unwrap(), format!("http://{address}/"));
    let given_up = AttemptOutcome::TimedOut { waited_for: "a connection" };
    assert_eq!(send(&sender, &url).await, given_up);
    let longer = Timeouts { connect: Some(Duration::from_secs(60)), response: None };
    let accepting = async {
        // Longer than all have, so that it is not this that lets the attempt through.
        tokio::time::sleep(Duration::from_millis(50)).await;
        drop(waits);
        serve(listener, TAKEN);
    };
    let (outcome, ()) = tokio::join!(send_within(&sender, &url, longer), accepting);
    assert_eq!(outcome, AttemptOutcome::Delivered);
}

#[test]
fn a_path_value_stays_one_segment_whatever_the_event_holds() {
    let push = |value| {
        let mut path = String::from("/a/");
        push_path_value(&mut path, value).map(|()| {
            let mut url = Url::parse("http://h").unwrap();
            url.set_path(&path);
            url.path().to_owned()
        })
    };
    assert_eq!(push("b").unwrap(), "/a/b");
    assert_eq!(push("../x?y#z%2e\\").unwrap(), "/a/..%2Fx%3Fy%23z%252e%5C");
    for value in ["", ".", "..", ".\t.", ".\n.", "..\r", "\u{0}", "a\u{7f}"] {
        assert!(push(value).is_err(), "{value:?}");
    }
}
