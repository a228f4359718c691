//! `[service]`: which program is observed.

use std::collections::BTreeMap;

use crate::config::declare::section;

section! {
    /// Which program this is, as Jaeger, the rows and the dashboard name it.
    pub struct Service in "service" {
        /// Name of the service. Empty: the package of the investigated functions, else the
        /// name of the executable.
        restart name: String = String::new(), example "\"store\"";
        /// Version of the service. Empty: the version of that package.
        restart version: String = String::new(), example "\"1.4.2\"";
        /// Tells the running copies of a service apart. Empty: host name and process id.
        restart instance: String = String::new(), example "\"store-7f9c\"";
        /// Further OpenTelemetry resource attributes, sent with every trace. Dotted names need
        /// quotes.
        restart attributes: BTreeMap<String, String> = BTreeMap::new(),
            example "{ \"deployment.environment.name\" = \"production\" }";
        /// Whether the program refuses to run with a rule below that names no function or route of
        /// it, or that decides nothing. Absent: only in the profile "production"; elsewhere it is a
        /// warning.
        restart strict: Option<bool> = None, example "true";
    }
}
