//! The history of attempts: written with the settlements, kept in spans of time, dropped a whole span at a time.

use std::time::Duration;

use eventyard_core::attempt_record::{AttemptEnd, AttemptRecord};
use eventyard_core::clock::Timestamp;
use eventyard_core::delivery::Delivery;
use eventyard_core::event::{Event, EventId};
use eventyard_core::name::EventNumber;

use super::disk::{Disk, Space};
use super::{Journal, JournalError, Pending, Place, Settlement, keys, records};

/// Spans that the bounds are divided into: that much more or less is kept.
const SPANS: u32 = 8;
/// Attempts of one event that are read.
const ATTEMPTS_READ_MAX: usize = 10_000;
/// Events that a search by time looks at.
const LOOKED_AT_MAX: usize = 1_000_000;
/// How much later than an event another may be in the journal that was accepted before it. Requests end within less.
const DISORDER_MS: i64 = 60_000;
const PAGE: usize = 1_000;

/// How much of the history is kept.
#[derive(Clone, Copy, Debug)]
pub struct HistoryLimits {
    /// Bytes of all attempts; 0 keeps none.
    pub size_bytes_max: u64,
    /// Age of an attempt.
    pub retention: Duration,
}

/// A delivery whose attempt has ended.
#[derive(Debug)]
pub struct Settled {
    /// As it was owed.
    pub pending: Pending,
    /// What becomes of it.
    pub settlement: Settlement,
    /// What the history is to keep of the attempt.
    pub attempt: Option<AttemptRecord>,
}

/// An attempt as the history tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedAttempt {
    /// The event's number, the target, and which attempt it was.
    pub delivery: Delivery,
    /// The attempt.
    pub record: AttemptRecord,
    /// What followed.
    pub end: AttemptEnd,
}

/// One span.
#[derive(Debug)]
struct Span {
    begin: u64,
    bytes: u64,
}

/// The spans, of which the last is being written. Only the thread that writes has it.
#[derive(Debug)]
pub(super) struct Spans {
    limits: HistoryLimits,
    spans: Vec<Span>,
}

impl Spans {
    pub(super) fn recover(disk: &dyn Disk, limits: HistoryLimits) -> Self {
        let spans = disk.spans().into_iter().map(|begin| Span { begin, bytes: disk.bytes(Space::History(begin)) });
        Self { limits, spans: spans.collect() }
    }

    /// Whether attempts are kept at all.
    pub(super) fn is_kept(&self) -> bool {
        self.limits.size_bytes_max > 0
    }

    /// The space for `bytes` of an attempt that ended at `now`: the newest, or a new one when that is full or long enough.
    pub(super) fn space(&mut self, now: Timestamp, bytes: usize) -> Space {
        let now = u64::try_from(now.as_millis()).unwrap_or(0);
        let (period, size) = (self.period_ms(), self.limits.size_bytes_max / u64::from(SPANS));
        let fits = |span: &&mut Span| span.bytes < size && now < span.begin.saturating_add(period);
        if let Some(span) = self.spans.last_mut().filter(fits) {
            span.bytes += bytes as u64;
            return Space::History(span.begin);
        }
        // Later than all others, whatever the clock does.
        let begin = self.spans.last().map_or(now, |last| now.max(last.begin + 1));
        self.spans.push(Span { begin, bytes: bytes as u64 });
        Space::History(begin)
    }

    /// Takes out the spans that are too old at `now`, and the oldest while there are too many bytes. The newest stays, unless
    /// nothing is to be kept.
    pub(super) fn take_expired(&mut self, now: Timestamp) -> Vec<Space> {
        let mut expired = Vec::new();
        let oldest_ms =
            now.as_millis().saturating_sub(i64::try_from(self.limits.retention.as_millis()).unwrap_or(i64::MAX));
        let oldest = u64::try_from(oldest_ms).unwrap_or(0);
        while let Some(first) = self.spans.first() {
            let bytes: u64 = self.spans.iter().map(|span| span.bytes).sum();
            let is_newest = self.spans.len() == 1;
            let is_too_much = bytes > self.limits.size_bytes_max && (!is_newest || !self.is_kept());
            // All attempts in it ended before this.
            let end = first.begin.saturating_add(self.period_ms());
            if !is_too_much && end > oldest {
                break;
            }
            expired.push(Space::History(self.spans.remove(0).begin));
        }
        expired
    }

    fn period_ms(&self) -> u64 {
        u64::try_from(self.limits.retention.as_millis()).unwrap_or(u64::MAX) / u64::from(SPANS)
    }
}

/// What followed an attempt.
pub(super) fn end(settlement: &Settlement) -> AttemptEnd {
    match settlement {
        Settlement::Delivered => AttemptEnd::Delivered,
        Settlement::RetryAt(time) => AttemptEnd::RetryAt(*time),
        Settlement::Dead(letter) => AttemptEnd::Died(letter.died),
    }
}

impl Journal {
    /// The attempts at an event that are remembered, by delivery and in their order.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn attempts(&self, event: EventId) -> Result<Vec<RecordedAttempt>, JournalError> {
        let [from, end] = keys::attempts_of(event);
        let mut attempts = Vec::new();
        for span in self.disk.spans() {
            let limit = ATTEMPTS_READ_MAX - attempts.len();
            attempts.extend(self.read_sound(Space::History(span), (&from, &end), limit, records::parse_attempt)?);
        }
        let order = |attempt: &RecordedAttempt| {
            let Delivery { event, target, attempts } = attempt.delivery;
            (event, target, attempts)
        };
        attempts.sort_by_key(order);
        Ok(attempts)
    }

    /// Searches for an event that is owed, by the time that its id tells.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn find_event(&self, id: EventId) -> Result<Option<(EventNumber, Event)>, JournalError> {
        let Some(received) = id.received() else { return Ok(None) };
        let (mut looked_at, segments) = (0, self.disk.segments());
        for (segment, next) in segments.iter().zip(segments.iter().skip(1).map(Some).chain([None])) {
            let begins_later = |segment: u64, than: i64| {
                let first = self.read(self.disk.scan(Space::Events(segment), &[], &[u8::MAX; 8], 1))?;
                let received =
                    first.first().and_then(|(_, value)| records::parse_event(value)).map(|event| event.received);
                Ok::<_, JournalError>(received.is_some_and(|received| received.as_millis() > than))
            };
            if begins_later(*segment, received.as_millis() + DISORDER_MS)? {
                break;
            }
            let is_over = match next {
                Some(next) => !begins_later(*next, received.as_millis() - DISORDER_MS)?,
                None => false,
            };
            if is_over {
                continue;
            }
            let mut from = Vec::new();
            loop {
                let entries = self.read(self.disk.scan(Space::Events(*segment), &from, &[u8::MAX; 9], PAGE))?;
                for (key, value) in &entries {
                    // One that is damaged is not the one that is searched for, as far as anybody can tell.
                    if let Some(event) = records::parse_event(value).filter(|event| event.id == id) {
                        return Ok(Some((keys::parse_event(key)?, event)));
                    }
                }
                looked_at += entries.len();
                let Some((last, _)) = entries.last().filter(|_| looked_at < LOOKED_AT_MAX) else { break };
                from = [last.as_slice(), &[0]].concat();
            }
        }
        Ok(None)
    }

    /// Whether a delivery is owed in this place.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn is_pending(&self, pending: &Pending) -> Result<bool, JournalError> {
        let space = match pending.place {
            Place::Ready => Space::Ready,
            Place::Later(_) => Space::Later,
        };
        Ok(self.read(self.disk.get(space, &keys::pending(pending)))?.is_some())
    }

    /// Deletes the attempts that are too old at `now`, and by what events are known that have left the window.
    ///
    /// # Errors
    /// When the journal is closed.
    pub async fn trim_history(&self, now: Timestamp) -> Result<(), JournalError> {
        self.ask(|answer| super::committer::Request::Trim { now, answer }).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: u64 = 3_600_000;

    fn at(milliseconds: u64) -> Timestamp {
        Timestamp::from_millis(milliseconds.cast_signed()).unwrap()
    }

    fn spans(size_bytes_max: u64) -> Spans {
        let limits = HistoryLimits { size_bytes_max, retention: Duration::from_millis(8 * HOUR_MS) };
        Spans { limits, spans: Vec::new() }
    }

    #[test]
    fn a_span_ends_when_it_is_full_or_long() {
        let mut spans = spans(8_000);
        assert_eq!(spans.space(at(5), 600), Space::History(5));
        assert_eq!(spans.space(at(6), 600), Space::History(5));
        assert_eq!(spans.space(at(7), 1), Space::History(7), "the first is full");
        assert_eq!(spans.space(at(7 + HOUR_MS), 1), Space::History(7 + HOUR_MS), "the second is long");
        assert_eq!(spans.space(at(0), 1_200), Space::History(7 + HOUR_MS), "a clock set back changes nothing");
        assert_eq!(spans.space(at(0), 1), Space::History(8 + HOUR_MS), "and spans stay in order");
    }

    #[test]
    fn old_spans_go_and_so_do_the_oldest_of_too_many_bytes() {
        let mut spans = spans(8_000);
        let written: Vec<_> = (0..10).map(|hour| spans.space(at(hour * HOUR_MS), 500)).collect();
        assert_eq!(spans.take_expired(at(9 * HOUR_MS)), written[..1], "one ended more than eight hours ago");
        for n in 0..4 {
            spans.space(at(9 * HOUR_MS + n), 1_100);
        }
        let expired = spans.take_expired(at(9 * HOUR_MS));
        assert!(!expired.is_empty() && written[1..].starts_with(&expired));
        let bytes: u64 = spans.spans.iter().map(|span| span.bytes).sum();
        assert!((6_000..=8_000).contains(&bytes), "{bytes}");
        assert_eq!(spans.take_expired(at(100 * HOUR_MS)).last(), Some(&Space::History(9 * HOUR_MS + 3)));
        assert!(spans.spans.is_empty());
    }
}
