//! What happens when.

use super::services;
use super::stage::{MS, Stage};

type Scene = Box<dyn FnOnce(&mut Stage, i64)>;

/// Scenes with the second at which they begin.
#[derive(Default)]
pub(crate) struct Script {
    scenes: Vec<(i64, Scene)>,
}

impl Script {
    /// Adds a scene.
    pub(crate) fn at(&mut self, second: f64, scene: impl FnOnce(&mut Stage, i64) + 'static) {
        self.scenes.push((services::second(second), Box::new(scene)));
    }

    /// Plays the scenes in the order of their beginnings, so that ports are taken in that order too.
    pub(crate) fn play(mut self, stage: &mut Stage) {
        self.scenes.sort_by_key(|(at_ns, _)| *at_ns);
        for (at_ns, scene) in self.scenes {
            let delay_ns = stage.dice.between(0, MS);
            scene(stage, at_ns + delay_ns);
        }
    }
}
