//! The bench as a child of itself: a floor or a sink in a process of its own, so that its processor time can be told apart.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;

use crate::{Result, floor};

/// What a child is for.
pub(crate) enum Role {
    /// Parses calls and answers them.
    Parse,
    /// The same, after their bytes are on disk in this file.
    Write(PathBuf),
    /// Takes deliveries.
    Sink,
    /// Makes deliveries to a sink, on so many connections.
    Post(std::net::SocketAddr, u32),
}

impl Role {
    /// The role that the arguments name; none when the bench itself was called.
    pub(crate) fn parse(arguments: &[String]) -> Option<Result<Self>> {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        match arguments.as_slice() {
            ["role-parse"] => Some(Ok(Self::Parse)),
            ["role-write", file] => Some(Ok(Self::Write(PathBuf::from(file)))),
            ["role-sink"] => Some(Ok(Self::Sink)),
            ["role-post", sink, connections] => Some(post(sink, connections)),
            _ => None,
        }
    }

    /// The arguments that name the role.
    pub(crate) fn arguments(&self) -> Vec<String> {
        match self {
            Self::Parse => vec!["role-parse".to_owned()],
            Self::Write(file) => vec!["role-write".to_owned(), file.to_string_lossy().into_owned()],
            Self::Sink => vec!["role-sink".to_owned()],
            Self::Post(sink, connections) => vec!["role-post".to_owned(), sink.to_string(), connections.to_string()],
        }
    }

    /// Says where it listens, and works until standard input ends: whoever started it is then gone.
    pub(crate) fn play(self) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let listener = floor::listen().await?;
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

    async fn work(&self, listener: tokio::net::TcpListener) -> Result<()> {
        match self {
            Self::Parse => floor::put_events(listener, None).await,
            Self::Write(file) => floor::put_events(listener, Some(file)).await,
            Self::Sink => floor::sink(listener).await,
            Self::Post(sink, connections) => floor::post(*sink, *connections).await,
        }
    }
}

fn post(sink: &str, connections: &str) -> Result<Role> {
    Ok(Role::Post(sink.parse()?, connections.parse()?))
}
