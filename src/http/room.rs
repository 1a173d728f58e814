//! Room for the bodies of requests that are under way: what they take of memory together is bounded.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Incoming};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{BodyError, Limits, connection::discard};

/// As much as the bodies of all requests of a listener may have together, a permit for each byte.
#[derive(Clone, Debug)]
pub(super) struct Room(Arc<Semaphore>);

/// A body, and the room that it takes until this is dropped.
pub(super) struct Held<'a> {
    pub(super) body: Result<Bytes, BodyError>,
    _room: Option<SemaphorePermit<'a>>,
}

impl Room {
    pub(super) fn new(size_bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(size_bytes.min(Semaphore::MAX_PERMITS))))
    }

    /// Takes in a body. Room is taken for what has come of it: one that is announced and never sent keeps nobody out.
    pub(super) async fn read(&self, mut body: Incoming, limits: &Limits) -> Held<'_> {
        let size_bytes_max = limits.body_size_bytes_max;
        let mut room = self.0.try_acquire_many(0).ok();
        let read = if body.size_hint().lower() > size_bytes_max as u64 {
            Err(BodyError::TooLarge(size_bytes_max))
        } else {
            self.collect(&mut body, size_bytes_max, &mut room).await
        };
        if matches!(read, Err(BodyError::TooLarge(_) | BodyError::NoRoom)) {
            room = None;
            discard(body, size_bytes_max).await;
        }
        Held { body: read, _room: room }
    }

    async fn collect<'a>(
        &'a self,
        body: &mut Incoming,
        size_bytes_max: usize,
        room: &mut Option<SemaphorePermit<'a>>,
    ) -> Result<Bytes, BodyError> {
        let (mut chunks, mut size_bytes) = (Vec::new(), 0);
        while let Some(frame) = body.frame().await {
            let Ok(chunk) = frame.map_err(|_| BodyError::Broken)?.into_data() else { continue };
            size_bytes += chunk.len();
            if size_bytes > size_bytes_max {
                return Err(BodyError::TooLarge(size_bytes_max));
            }
            let more = u32::try_from(chunk.len()).ok().and_then(|bytes| self.0.try_acquire_many(bytes).ok());
            let (Some(room), Some(more)) = (room.as_mut(), more) else { return Err(BodyError::NoRoom) };
            room.merge(more);
            chunks.push(chunk);
        }
        // Most bodies come in one chunk, which need not be copied.
        Ok(if chunks.len() == 1 { chunks.remove(0) } else { chunks.concat().into() })
    }
}
