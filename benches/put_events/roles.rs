//! The bench as a child of itself: a floor or a sink in a process of its own, so that its processor time can be told apart.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::{Result, floor, timing_sink};

/// What a child is for.
pub(crate) enum Role {
    /// Parses calls of so many entries and answers them.
    Parse(u32),
    /// The same, after their bytes are on disk in this file.
    Write(PathBuf, u32),
    /// Takes deliveries.
    Sink,
    /// The same, and notes how long they took; at this address, or at a free one.
    TimingSink(Option<SocketAddr>),
    /// Makes deliveries to a sink, on so many connections.
    Post(SocketAddr, u32),
}

impl Role {
    /// The role that the arguments name; none when the bench itself was called.
    pub(crate) fn parse(arguments: &[String]) -> Option<Result<Self>> {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        match arguments.as_slice() {
            ["role-parse", entries] => Some(entries.parse().map(Self::Parse).map_err(Into::into)),
            ["role-write", file, entries] => {
                Some(entries.parse().map(|entries| Self::Write(PathBuf::from(file), entries)).map_err(Into::into))
            }
            ["role-sink"] => Some(Ok(Self::Sink)),
            ["role-timing-sink"] => Some(Ok(Self::TimingSink(None))),
            ["role-timing-sink", address] => {
                Some(address.parse().map(|address| Self::TimingSink(Some(address))).map_err(Into::into))
            }
            ["role-post", sink, connections] => Some(post(sink, connections)),
            _ => None,
        }
    }

    /// The arguments that name the role.
    pub(crate) fn arguments(&self) -> Vec<String> {
        match self {
            Self::Parse(entries) => vec!["role-parse".to_owned(), entries.to_string()],
            Self::Write(file, entries) => {
                vec!["role-write".to_owned(), file.to_string_lossy().into_owned(), entries.to_string()]
            }
            Self::Sink => vec!["role-sink".to_owned()],
            Self::TimingSink(address) => {
                ["role-timing-sink".to_owned()].into_iter().chain(address.map(|address| address.to_string())).collect()
            }
            Self::Post(sink, connections) => vec!["role-post".to_owned(), sink.to_string(), connections.to_string()],
        }
    }

    /// Says where it listens, and works until standard input ends: whoever started it is then gone.
    pub(crate) fn play(self) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let listener = floor::listen(self.address()).await?;
            let mut out = std::io::stdout();
            writeln!(out, "{}", listener.local_addr()?)?;
            out.flush()?;
            let orphaned = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
            tokio::select! {
                ended = self.work(listener) => ended,
                _ = orphaned => Ok(()),
            }
        })?;
        runtime.shutdown_background();
        Ok(())
    }

    fn address(&self) -> Option<SocketAddr> {
        if let Self::TimingSink(address) = self { *address } else { None }
    }

    async fn work(&self, listener: tokio::net::TcpListener) -> Result<()> {
        match self {
            Self::Parse(entries) => floor::put_events(listener, None, *entries).await,
            Self::Write(file, entries) => floor::put_events(listener, Some(file), *entries).await,
            Self::Sink => floor::sink(listener).await,
            Self::TimingSink(_) => timing_sink::serve(listener).await,
            Self::Post(sink, connections) => floor::post(*sink, *connections).await,
        }
    }
}

fn post(sink: &str, connections: &str) -> Result<Role> {
    Ok(Role::Post(sink.parse()?, connections.parse()?))
}
