//! Prints the control API's types as TypeScript, for `ui/src/lib/backend/bindings.ts`.
//!
//! Owns the order and the head of that file; the shapes are those of the crate. Invariant: the same
//! types give the same bytes, so that a check can compare.

use std::collections::BTreeMap;
use std::io::Write;

use tidings_control::{Answer, Event, Failure, Request};
use ts_rs::{Config, TS, TypeVisitor};

const HEAD: &str = "\
// The control API's types: made by
//   cargo run -q -p tidings-control --features bindings --example bindings
// from crates/control/src/types.rs. Change them there, then write this file anew.
";

/// What was found so far, by name.
struct Declarations<'a> {
    config: &'a Config,
    found: BTreeMap<String, String>,
}

impl TypeVisitor for Declarations<'_> {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        // Types without a place in a file (numbers, lists) are written where they are used.
        if T::output_path().is_none() {
            return;
        }
        let name = T::ident(self.config);
        if self.found.contains_key(&name) {
            return;
        }
        let docs = T::docs().unwrap_or_default();
        let declaration = format!("{docs}export {}\n", T::decl(self.config));
        self.found.insert(name, declaration);
        T::visit_dependencies(self);
    }
}

fn main() -> std::io::Result<()> {
    let config = Config::default();
    let mut all = Declarations {
        config: &config,
        found: BTreeMap::new(),
    };
    all.visit::<Request>();
    all.visit::<Answer>();
    all.visit::<Failure>();
    all.visit::<Event>();
    let mut out = std::io::stdout().lock();
    write!(out, "{HEAD}")?;
    for declaration in all.found.values() {
        writeln!(out)?;
        for line in declaration.lines() {
            writeln!(out, "{}", line.trim_end())?;
        }
    }
    Ok(())
}
