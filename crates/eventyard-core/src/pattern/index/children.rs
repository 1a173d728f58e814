//! The keys that lead on from a place in the trie, found in a few steps: every key of every event is looked for.

use std::collections::HashMap;

use super::paths::NodeId;
use crate::json::equal_bytes;

/// How many slots there are at least for each key.
const SLOTS_PER_KEY: usize = 2;

/// The keys at one place, and where they lead.
#[derive(Debug, Clone, Default)]
pub(super) struct Children {
    /// A bit for each hash of a short key, by its highest bits. Nearly all keys that lead nowhere are told by it.
    hashes: u64,
    /// Short keys by their hash, each in the first slot that was free. At least half of a power of two of slots is free.
    slots: Box<[Option<(ShortKey, NodeId)>]>,
    count: usize,
    long: HashMap<Box<[u8]>, NodeId, foldhash::fast::RandomState>,
}

/// What hashes begin with. It is drawn for each trie, so that nobody can choose keys that share a hash.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seed(u64, u64);

/// A key of no more than 16 bytes. Its first bytes, its last ones and its length tell it from all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ShortKey {
    first: u64,
    last: u64,
    length: usize,
}

impl Children {
    pub(super) fn get(&self, key: &[u8], seed: Seed) -> Option<NodeId> {
        match ShortKey::new(key) {
            Some(short) => self.get_short(short, seed),
            None => self.long.get(key).copied(),
        }
    }

    #[inline]
    pub(super) fn get_short(&self, key: ShortKey, seed: Seed) -> Option<NodeId> {
        let hash = key.hash(seed);
        if self.hashes & 1 << (hash >> 58) == 0 {
            return None;
        }
        let mut slot = self.slot(hash);
        while let Some((there, node)) = self.slots.get(slot)? {
            if *there == key {
                return Some(*node);
            }
            slot = self.behind(slot);
        }
        None
    }

    /// Where the key leads: to `unused` if it led nowhere before.
    pub(super) fn get_or_insert(&mut self, key: &[u8], unused: NodeId, seed: Seed) -> NodeId {
        if let Some(node) = self.get(key, seed) {
            return node;
        }
        match ShortKey::new(key) {
            Some(short) => self.insert(short, unused, seed),
            None => _ = self.long.insert(key.into(), unused),
        }
        unused
    }

    fn insert(&mut self, key: ShortKey, node: NodeId, seed: Seed) {
        self.count += 1;
        if self.slots.len() < self.count * SLOTS_PER_KEY {
            let larger = vec![None; (self.count * SLOTS_PER_KEY).next_power_of_two()];
            let kept = std::mem::replace(&mut self.slots, larger.into());
            kept.into_iter().flatten().for_each(|(key, node)| self.place(key, node, seed));
        }
        self.place(key, node, seed);
    }

    fn place(&mut self, key: ShortKey, node: NodeId, seed: Seed) {
        let hash = key.hash(seed);
        self.hashes |= 1 << (hash >> 58);
        let mut slot = self.slot(hash);
        while self.slots[slot].is_some() {
            slot = self.behind(slot);
        }
        self.slots[slot] = Some((key, node));
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the lowest bits are all that is wanted")]
    const fn slot(&self, hash: u64) -> usize {
        hash as usize & self.slots.len().wrapping_sub(1)
    }

    #[inline]
    const fn behind(&self, slot: usize) -> usize {
        (slot + 1) & (self.slots.len() - 1)
    }
}

impl ShortKey {
    /// `None` when the key is not short.
    #[inline]
    pub(super) fn new(key: &[u8]) -> Option<Self> {
        let length = key.len();
        let (first, last) = if let (Some(first), Some(last)) = (key.first_chunk::<8>(), key.last_chunk::<8>()) {
            (u64::from_le_bytes(*first), u64::from_le_bytes(*last))
        } else if let (Some(first), Some(last)) = (key.first_chunk::<4>(), key.last_chunk::<4>()) {
            (u32::from_le_bytes(*first).into(), u32::from_le_bytes(*last).into())
        } else {
            let byte = |place: usize| key.get(place).map_or(0, |&byte| u64::from(byte));
            (byte(0) | byte(1) << 8, byte(2))
        };
        (length <= 16).then_some(Self { first, last, length })
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the two halves of the product are both used")]
    const fn hash(self, Seed(first, last): Seed) -> u64 {
        let product = (self.first ^ first) as u128 * (self.last ^ last ^ self.length as u64) as u128;
        product as u64 ^ (product >> 64) as u64
    }

    /// Whether there may be a dot in the key. Where there is one the answer is yes.
    #[inline]
    pub(super) const fn may_have_dot(self) -> bool {
        equal_bytes(self.first, b'.') | equal_bytes(self.last, b'.') != 0
    }
}

impl Seed {
    pub(super) fn random() -> Self {
        use std::hash::BuildHasher as _;
        let state = std::collections::hash_map::RandomState::new();
        Self(state.hash_one(0), state.hash_one(1))
    }
}
