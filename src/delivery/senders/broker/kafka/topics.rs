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
    use super::*;

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
