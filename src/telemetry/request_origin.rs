//! Which request the lines of a task are about, for those that say what went wrong.

use std::net::SocketAddr;

use super::api::request_span;

/// A request by what tells it from others.
#[derive(Clone, Debug)]
pub struct RequestOrigin {
    /// The id in its answer's header.
    pub id: String,
    /// The far end of its connection.
    pub client: SocketAddr,
}

tokio::task_local! {
    /// The request that the running task answers.
    static CURRENT: RequestOrigin;
}

impl RequestOrigin {
    /// Runs `work` for this request: the lines of what fails in it name the request.
    pub async fn of<T>(&self, work: impl Future<Output = T>) -> T {
        use tracing::Instrument as _;
        CURRENT.scope(self.clone(), work.instrument(request_span(&self.id))).await
    }

    /// The request that is answered here; none outside of one.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }
}

/// The members of a line that name a request, if there is one.
pub(super) fn named(
    origin: Option<&RequestOrigin>,
) -> (Option<&str>, Option<tracing::field::DisplayValue<SocketAddr>>) {
    (origin.map(|origin| origin.id.as_str()), origin.map(|origin| tracing::field::display(origin.client)))
}

/// `work` for another thread, which does it for the request that is answered here.
pub fn for_this_request<T>(work: impl FnOnce() -> T) -> impl FnOnce() -> T {
    let (origin, span) = (RequestOrigin::current(), tracing::Span::current());
    move || {
        let work = || span.in_scope(work);
        match origin {
            Some(origin) => CURRENT.sync_scope(origin, work),
            None => work(),
        }
    }
}
