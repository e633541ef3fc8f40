//! How does a program read a session? One JSON object a line, integers in base units.

use std::io;
use std::rc::Rc;

use serde::Serialize;

use super::stream::Format;
use crate::model::Model;
use crate::view::View;
use crate::view::envelope::{End, Start};
use crate::view::flows::FlowsTick;
use crate::view::host_names::HostNames;
use crate::view::top::Top;

/// NDJSON.
pub struct Json {
    view: View,
    names: Rc<dyn HostNames>,
}

impl Json {
    /// Writes what `view` shows.
    pub fn new(view: View, names: Rc<dyn HostNames>) -> Self {
        Self { view, names }
    }
}

impl Format for Json {
    fn start(&mut self, start: &Start, out: &mut Vec<u8>) -> io::Result<()> {
        line(start, out)
    }

    fn tick(&mut self, model: &Model, out: &mut Vec<u8>) -> io::Result<()> {
        let names = self.names.as_ref();
        match &self.view {
            View::Top(options) => line(&Top::new(model, options, names), out),
            View::Flows(options) => line(&FlowsTick::new(model, options, names), out),
        }
    }

    fn end(&mut self, end: &End, out: &mut Vec<u8>) -> io::Result<()> {
        line(end, out)
    }
}

fn line(object: &impl Serialize, out: &mut Vec<u8>) -> io::Result<()> {
    serde_json::to_writer(&mut *out, object)?;
    out.push(b'\n');
    Ok(())
}
