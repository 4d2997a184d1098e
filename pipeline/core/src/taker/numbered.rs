//! Things that come again and again, each with a number in the order in which they came first.

use std::collections::HashMap;
use std::hash::Hash;

/// How many things are compared one by one: fewer than these are sooner found so than by their hash.
const FEW: usize = 16;

/// Things, each once.
#[derive(Debug)]
pub(super) struct Numbered<T> {
    things: Vec<T>,
    /// The number of each thing, once there are many.
    numbers: HashMap<T, u32>,
}

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self { things: vec![], numbers: HashMap::new() }
    }
}

impl<T: Clone + Eq + Hash> Numbered<T> {
    /// The number of a thing, from 0; a new one if it comes for the first time.
    pub fn number(&mut self, thing: T) -> u32 {
        let known = if self.things.len() <= FEW {
            self.things.iter().position(|known| *known == thing).and_then(|at| u32::try_from(at).ok())
        } else {
            self.numbers.get(&thing).copied()
        };
        if let Some(known) = known {
            return known;
        }
        let number = u32::try_from(self.things.len()).unwrap_or(u32::MAX);
        self.things.push(thing.clone());
        if self.things.len() > FEW {
            if self.numbers.is_empty() {
                self.numbers.extend(self.things.iter().cloned().zip(0..));
            } else {
                self.numbers.insert(thing, number);
            }
        }
        number
    }

    /// The thing of a number.
    pub fn get(&self, number: u32) -> Option<&T> {
        self.things.get(number as usize)
    }
}
