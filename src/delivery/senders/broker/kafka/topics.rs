//! What is known of topics: who leads their partitions.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::wire::Fields;

/// Topics that are remembered.
const TOPICS_MAX: usize = 10_000;
/// How long what was said of a topic counts. It may get more partitions, and whoever does not learn of them sends keys elsewhere
/// than all other clients. That is the age that they have, too.
const AGE_MAX: Duration = Duration::from_secs(300);

/// The leader of each partition, in their order.
#[derive(Debug)]
pub(super) struct Topic {
    pub(super) leaders: Vec<Option<(String, u16)>>,
}

/// Topics, as far as somebody asked, with when that was.
#[derive(Debug)]
pub(super) struct Topics<K>(HashMap<K, (Arc<Topic>, Instant)>);

impl<K> Default for Topics<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Hash + Eq> Topics<K> {
    /// What is known of a topic, and is not too old.
    pub(super) fn get(&self, place: &K, now: Instant) -> Option<Arc<Topic>> {
        let (topic, asked) = self.0.get(place)?;
        (now.duration_since(*asked) < AGE_MAX).then(|| Arc::clone(topic))
    }

    pub(super) fn remember(&mut self, place: K, topic: Arc<Topic>, now: Instant) {
        // Not more than somebody could mean; what is still used is asked for again.
        if self.0.len() >= TOPICS_MAX {
            self.0.clear();
        }
        self.0.insert(place, (topic, now));
    }

    pub(super) fn forget(&mut self, place: &K) {
        self.0.remove(place);
    }
}

/// The error of a topic, and who leads its partitions.
pub(super) fn read(answer: &[u8]) -> Option<(i16, Topic)> {
    let mut fields = Fields(answer);
    let _throttled_ms = fields.i32()?;
    let brokers: HashMap<i32, (String, u16)> = fields
        .list(|broker| {
            let (id, host, port) = (broker.i32()?, broker.text()?, broker.i32()?);
            broker.text()?;
            Some((id, (host, u16::try_from(port).ok()?)))
        })?
        .into_iter()
        .collect();
    let (_cluster, _controller, _topics) = (fields.text()?, fields.i32()?, fields.i32()?);
    let (code, _name, _is_internal) = (fields.i16()?, fields.text()?, fields.take(1)?);
    let mut partitions = fields.list(|partition| {
        let (_code, number, leader) = (partition.i16()?, partition.i32()?, partition.i32()?);
        partition.list(Fields::i32)?;
        partition.list(Fields::i32)?;
        Some((number, brokers.get(&leader).cloned()))
    })?;
    partitions.sort_by_key(|(number, _)| *number);
    Some((code, Topic { leaders: partitions.into_iter().map(|(_, leader)| leader).collect() }))
}

#[cfg(test)]
mod tests {
    use super::super::wire::Bytes;
    use super::*;

    /// What a broker answers of one topic with two partitions, of which it leads the first.
    fn answer() -> Vec<u8> {
        let broker = Bytes::default().i32(0).i32(1).i32(7).text("host").i32(9092).text("");
        let topic = broker.text("cluster").i32(7).i32(1).i16(0).text("orders").i8(0).i32(2);
        let partition = |bytes: Bytes, number, leader| bytes.i16(0).i32(number).i32(leader).i32(1).i32(7).i32(0);
        partition(partition(topic, 1, 8), 0, 7).0
    }

    #[test]
    fn partitions_are_read_in_their_order() {
        let (code, topic) = read(&answer()).unwrap();
        assert_eq!((code, topic.leaders), (0, vec![Some(("host".to_owned(), 9092)), None]));
        for end in 0..answer().len() {
            assert!(read(&answer()[..end]).is_none(), "{end}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_comes_is_an_answer_or_none(bytes: Vec<u8>, at in 0..100_usize, byte: u8) {
            let _ = read(&bytes);
            let mut changed = answer();
            let at = at % changed.len();
            changed[at] = byte;
            let _ = read(&changed);
        }
    }

    #[test]
    fn what_is_old_is_asked_for_again() {
        let (mut topics, asked) = (Topics::default(), Instant::now());
        topics.remember("orders", Arc::new(Topic { leaders: vec![None] }), asked);
        assert!(topics.get(&"orders", asked + AGE_MAX / 2).is_some());
        assert!(topics.get(&"orders", asked + AGE_MAX).is_none());
        topics.forget(&"orders");
        assert!(topics.get(&"orders", asked).is_none());
    }

    #[test]
    fn not_all_topics_of_the_world_are_remembered() {
        let (mut topics, now) = (Topics::default(), Instant::now());
        for place in 0..=TOPICS_MAX {
            topics.remember(place, Arc::new(Topic { leaders: Vec::new() }), now);
        }
        assert!(topics.get(&0, now).is_none() && topics.get(&TOPICS_MAX, now).is_some());
    }
}
