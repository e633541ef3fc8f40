//! State of the screen: the page, and the choices of the user.

use std::rc::Rc;

use netperf_core::model::Model;
use netperf_core::model::query::{FlowQuery, ProcessQuery};
use netperf_core::sample::ProcessId;
use netperf_core::sample::limit::LimitRecord;
use netperf_core::sample::limit::Rates;
use netperf_core::units::Units;
use regex::RegexBuilder;

use super::cursor::{Cursor, RowId};
use super::input::Action;
use super::order::LimitOrder;
use super::overlay::Overlay;
use super::sockets_state::SocketsState;
use crate::view::flows::FlowsOptions;
use crate::view::limit::rates;
use crate::view::sort::{Figures, Sort};
use crate::view::top::TopOptions;

/// Message if there is no process to limit.
const NO_PROCESS: &str = "select a process on the page of the processes first (Tab leads there)";

/// Settings of the screen from the command line.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The first page, with its filters.
    pub first: FirstPage,
    /// Units of speeds and sizes.
    pub units: Units,
    /// Whether colours may be used.
    pub color: bool,
}

/// The first page of the screen.
#[derive(Clone, Debug)]
pub enum FirstPage {
    /// Processes, as in `top`.
    Top(TopOptions),
    /// Connections, as in `flows`.
    Flows(FlowsOptions),
}

/// The pages, in the order of Tab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Page {
    Top,
    Flows,
    States,
}

/// What to do after an action, beyond drawing again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Redraw,
    Quit,
    Suspend,
    /// Carry out an order.
    Order(LimitOrder),
    /// Show a message.
    Say(&'static str),
}

/// All choices of the user.
#[derive(Debug)]
pub(super) struct State {
    pub(super) page: Page,
    pub(super) top: TopOptions,
    pub(super) flows: FlowsOptions,
    pub(super) units: Units,
    pub(super) color: bool,
    pub(super) command_line: bool,
    pub(super) filter: String,
    pub(super) opened: Option<ProcessId>,
    /// The sockets, while the page of states is shown.
    pub(super) sockets: SocketsState,
    pub(super) overlay: Overlay,
    /// The model as it was when the display was paused.
    pub(super) frozen: Option<Rc<Model>>,
    pub(super) cursor: Cursor,
    /// Limits in force on this machine.
    pub(super) limits: Vec<LimitRecord>,
}

impl State {
    pub(super) fn new(settings: Settings) -> Self {
        let (page, top, flows) = match settings.first {
            FirstPage::Top(top) => {
                let flows = FlowsOptions {
                    processes: top.processes.clone(),
                    sort: top.sort,
                    ..FlowsOptions::default()
                };
                (Page::Top, top, flows)
            }
            FirstPage::Flows(flows) => {
                let top = TopOptions {
                    processes: flows.processes.clone(),
                    sort: flows.sort,
                    ..TopOptions::default()
                };
                (Page::Flows, top, flows)
            }
        };
        Self {
            page,
            top: TopOptions { idle: true, ..top },
            flows,
            units: settings.units,
            color: settings.color,
            command_line: false,
            filter: String::new(),
            opened: None,
            sockets: SocketsState::default(),
            overlay: Overlay::Nothing,
            frozen: None,
            cursor: Cursor::default(),
            limits: Vec::new(),
        }
    }

    /// The order of the rows, on every page.
    pub(super) fn sort(&self) -> Sort {
        self.top.sort
    }

    /// Whether the display is paused.
    pub(super) fn is_paused(&self) -> bool {
        self.frozen.is_some()
    }

    /// Whether the command line selects some rows only.
    pub(super) fn has_options(&self) -> bool {
        let flows = &self.flows.flows;
        let options = ProcessQuery {
            anything: None,
            ..self.top.processes.clone()
        };
        !options.is_empty() || (self.page == Page::Flows && *flows != FlowQuery::default())
    }

    /// Carries out an action.
    pub(super) fn apply(&mut self, action: Action, model: &Model) -> Effect {
        match action {
            Action::Quit => return Effect::Quit,
            Action::Suspend => return Effect::Suspend,
            Action::Sort(key) => self.set_sort(Sort { key, ..self.sort() }),
            Action::Units => self.units = self.units.next(),
            Action::Figures => self.set_sort(Sort {
                figures: other(self.sort().figures),
                ..self.sort()
            }),
            Action::CommandLine => self.command_line = !self.command_line,
            Action::Pause => {
                self.frozen = if self.frozen.is_none() {
                    Some(Rc::new(model.clone()))
                } else {
                    None
                };
            }
            Action::Move(motion) => self.cursor.shift(motion),
            Action::Open => self.open(),
            Action::NextPage => self.turn_page(),
            Action::Help => self.overlay = Overlay::Help,
            Action::Back => self.back(),
            Action::Filter => {
                self.overlay = Overlay::Prompt {
                    text: self.filter.clone(),
                    error: None,
                };
            }
            Action::Type(letter) => self.edit(|text| text.push(letter)),
            Action::Erase => self.edit(|text| {
                text.pop();
            }),
            Action::Accept => return self.accept(),
            Action::Limit => return self.ask_for_rate(model),
            Action::Lift => return self.lift(),
        }
        Effect::Redraw
    }

    /// Handles Enter in a prompt: keeps the filter, or orders the limit if its rate is valid.
    fn accept(&mut self) -> Effect {
        let Overlay::Rate {
            process,
            text,
            error,
            ..
        } = &mut self.overlay
        else {
            self.overlay = Overlay::Nothing;
            return Effect::Redraw;
        };
        match rates(text) {
            Ok(Rates { up, down }) => {
                let process = *process;
                self.overlay = Overlay::Nothing;
                Effect::Order(LimitOrder::Begin { process, up, down })
            }
            Err(why) => {
                *error = Some(why);
                Effect::Redraw
            }
        }
    }

    fn ask_for_rate(&mut self, model: &Model) -> Effect {
        let Some(process) = self.selected_process() else {
            return Effect::Say(NO_PROCESS);
        };
        let known = model.processes().get(process);
        self.overlay = Overlay::Rate {
            process,
            name: known.map_or_else(String::new, |known| known.process.name.clone()),
            text: String::new(),
            error: None,
        };
        Effect::Redraw
    }

    fn lift(&mut self) -> Effect {
        match self.selected_process() {
            Some(process) => Effect::Order(LimitOrder::End { process }),
            None => Effect::Say(NO_PROCESS),
        }
    }

    /// The selected process; `None` for the kernel itself.
    fn selected_process(&mut self) -> Option<ProcessId> {
        match (self.page, self.cursor.selected_or_first()) {
            (Page::Top, Some(RowId::Process(id))) if id.tgid > 0 => Some(id),
            _ => None,
        }
    }

    fn set_sort(&mut self, sort: Sort) {
        self.top.sort = sort;
        self.flows.sort = sort;
    }

    fn turn_page(&mut self) {
        self.page = match self.page {
            Page::Top => Page::Flows,
            Page::Flows => Page::States,
            Page::States => Page::Top,
        };
        self.sockets.leave();
        self.cursor = Cursor::default();
    }

    /// Handles Enter: opens the connections of the selected process, or closes them.
    fn open(&mut self) {
        let id = self.cursor.selected_or_first();
        if self.page == Page::States {
            return self.sockets.open(id);
        }
        self.opened = match (id, self.opened) {
            (Some(RowId::Process(id)), opened) if opened != Some(id) => Some(id),
            _ => None,
        };
    }

    /// Handles Esc: closes an overlay, a process, or a filter.
    fn back(&mut self) {
        match self.overlay {
            Overlay::Help | Overlay::Rate { .. } => self.overlay = Overlay::Nothing,
            Overlay::Prompt { .. } => {
                self.overlay = Overlay::Nothing;
                self.clear_filter();
            }
            Overlay::Nothing if self.sockets.opened.is_some() => self.sockets.opened = None,
            Overlay::Nothing if self.opened.is_some() => self.opened = None,
            Overlay::Nothing => self.clear_filter(),
        }
    }

    fn clear_filter(&mut self) {
        self.top.processes.anything = None;
        self.flows.processes.anything = None;
        self.filter.clear();
    }

    fn edit(&mut self, change: impl FnOnce(&mut String)) {
        if let Overlay::Rate { text, error, .. } = &mut self.overlay {
            change(text);
            *error = None;
        } else if let Overlay::Prompt { text, .. } = &self.overlay {
            let mut text = text.clone();
            change(&mut text);
            let error = self.set_filter(text.clone());
            self.overlay = Overlay::Prompt { text, error };
        }
    }

    /// Filters by a regular expression, ignoring case. An invalid one changes nothing and returns its
    /// error.
    fn set_filter(&mut self, text: String) -> Option<String> {
        let pattern = match RegexBuilder::new(&text).case_insensitive(true).build() {
            Ok(pattern) => Some(pattern).filter(|_| !text.is_empty()),
            Err(_) => return Some("not a regular expression yet".to_owned()),
        };
        let replace = |query: &mut ProcessQuery| query.anything.clone_from(&pattern);
        replace(&mut self.top.processes);
        replace(&mut self.flows.processes);
        self.filter = text;
        None
    }
}

fn other(figures: Figures) -> Figures {
    match figures {
        Figures::Rates => Figures::Totals,
        Figures::Totals => Figures::Rates,
    }
}
