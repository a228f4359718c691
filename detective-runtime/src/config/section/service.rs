//! `[service]`: the name and version of this program.

use std::collections::BTreeMap;

use crate::config::declare::section;

section! {
    /// The name and version of this program, as Jaeger, the rows and `/analytics/health` show them.
    pub struct Service in "service" {
        /// Name of the service. Empty: the name of the package that has the investigated functions,
        /// or the name of the executable if no function is investigated.
        restart name: String = String::new(), example "\"store\"";
        /// Version of the service. Empty: the version of the same package.
        restart version: String = String::new(), example "\"1.4.2\"";
        /// Name of this running copy of the service. Empty: host name and process id.
        restart instance: String = String::new(), example "\"store-7f9c\"";
        /// More OpenTelemetry resource attributes, which are sent with every trace. Put names with
        /// dots in quotes.
        restart attributes: BTreeMap<String, String> = BTreeMap::new(),
            example "{ \"deployment.environment.name\" = \"production\" }";
        /// Whether the program refuses to start if a rule below matches none of its functions or
        /// routes, or decides nothing. If it does not refuse, it logs a warning. Absent: it refuses
        /// only in the profile "production".
        restart strict: Option<bool> = None, example "true";
    }
}
