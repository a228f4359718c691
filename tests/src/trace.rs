//! A trace, as Jaeger's query API returns it.

use std::{
    collections::BTreeMap,
    fmt::{self, Display, Formatter},
    time::Duration,
};

use serde_json::Value;

/// A trace. It is printed as the tree of its spans, one line for each.
#[derive(Clone, Debug)]
pub struct Trace {
    /// 32 hexadecimal digits.
    pub id: String,
    /// Ordered by start.
    pub spans: Vec<Span>,
    /// Jaeger's warnings, such as a parent that it never received. Spans have their own warnings
    /// too.
    pub warnings: Vec<String>,
}

/// One span of a [`Trace`].
#[derive(Clone, Debug)]
pub struct Span {
    /// 16 hexadecimal digits.
    pub id: String,
    /// The id of the parent span; `None` for a root.
    pub parent: Option<String>,
    /// The operation's name.
    pub name: String,
    /// `server`, `client`, `producer`, `consumer`, or `internal`, which is also how OpenTelemetry
    /// reads an unspecified kind.
    pub kind: String,
    /// `unset`, `ok` or `error`.
    pub status: String,
    /// The description of an error status.
    pub status_description: Option<String>,
    /// The service that recorded it.
    pub service: String,
    /// The attributes of its resource, without the service's name.
    pub resource: BTreeMap<String, Value>,
    /// Its attributes, including those that Jaeger adds, such as `span.kind` and
    /// `otel.status_code`.
    pub tags: BTreeMap<String, Value>,
    /// Its events, each with its name under `event`.
    pub events: Vec<BTreeMap<String, Value>>,
    /// Since the Unix epoch, to the microsecond.
    pub start: Duration,
    /// To the microsecond.
    pub duration: Duration,
}

impl Trace {
    /// Reads one element of `data` in a response of `/api/traces`.
    ///
    /// # Panics
    ///
    /// When it does not have Jaeger's format.
    #[must_use]
    pub fn parse(json: &Value) -> Self {
        let id = text(json, "traceID");
        let processes = &json["processes"];
        let mut spans: Vec<_> = list(&json["spans"])
            .iter()
            .map(|span| Span::parse(&id, span, processes))
            .collect();
        spans.sort_by(|a, b| (a.start, &a.name).cmp(&(b.start, &b.name)));
        let warnings = list(&json["spans"])
            .iter()
            .chain([json])
            .flat_map(|part| list(&part["warnings"]));
        Self {
            warnings: warnings.map(plain).collect(),
            id,
            spans,
        }
    }

    /// The only span without a parent in this trace.
    ///
    /// # Panics
    ///
    /// When there is none, or more than one.
    #[must_use]
    pub fn root(&self) -> &Span {
        match self.roots()[..] {
            [root] => root,
            ref roots => panic!("expected one root, found {}:\n{self}", roots.len()),
        }
    }

    /// The first span called `name`.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Span> {
        self.spans.iter().find(|span| span.name == name)
    }

    /// The only span called `name`.
    ///
    /// # Panics
    ///
    /// When there is none, or more than one.
    #[must_use]
    pub fn span(&self, name: &str) -> &Span {
        let named: Vec<_> = self.spans.iter().filter(|span| span.name == name).collect();
        match named[..] {
            [span] => span,
            _ => panic!("expected one span `{name}`, found {}:\n{self}", named.len()),
        }
    }

    /// The parent of `span`, if it is in this trace.
    #[must_use]
    pub fn parent(&self, span: &Span) -> Option<&Span> {
        span.parent
            .as_ref()
            .and_then(|parent| self.spans.iter().find(|other| other.id == *parent))
    }

    /// The children of `span`, ordered by start.
    #[must_use]
    pub fn children(&self, span: &Span) -> Vec<&Span> {
        self.spans
            .iter()
            .filter(|other| other.parent.as_ref() == Some(&span.id))
            .collect()
    }

    /// The names from the root down to `span`.
    #[must_use]
    pub fn path(&self, span: &Span) -> Vec<&str> {
        let Some(span) = self.spans.iter().find(|other| other.id == span.id) else {
            return Vec::new();
        };
        let mut names = vec![span.name.as_str()];
        let mut above = self.parent(span);
        // A trace may come from anyone: a cycle must not hang the test.
        while let Some(span) = above.filter(|_| names.len() <= self.spans.len()) {
            names.push(&span.name);
            above = self.parent(span);
        }
        names.reverse();
        names
    }

    fn roots(&self) -> Vec<&Span> {
        self.spans
            .iter()
            .filter(|span| self.parent(span).is_none())
            .collect()
    }

    fn write(&self, span: &Span, depth: usize, f: &mut Formatter<'_>) -> fmt::Result {
        let indent = "  ".repeat(depth);
        let status = if span.status == "error" { " error" } else { "" };
        writeln!(
            f,
            "{indent}{} ({} of {}){status}",
            span.name, span.kind, span.service
        )?;
        self.children(span)
            .into_iter()
            .try_for_each(|child| self.write(child, depth + 1, f))
    }
}

impl Display for Trace {
    /// One line for each span, indented by two spaces for each level: `GET /users/{user_id} (server
    /// of store) error`. The last word appears only for an error.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.roots()
            .into_iter()
            .try_for_each(|root| self.write(root, 0, f))
    }
}

impl Span {
    /// The value of the tag `key` as text, also for numbers and booleans; `None` when it is not
    /// set.
    #[must_use]
    pub fn tag(&self, key: &str) -> Option<String> {
        self.tags.get(key).map(plain)
    }

    fn parse(trace_id: &str, json: &Value, processes: &Value) -> Self {
        let tags = pairs(&json["tags"]);
        let tag = |key: &str| tags.get(key).map(plain);
        let process = &processes[text(json, "processID")];
        let parent = list(&json["references"]).iter().find(|reference| {
            reference["refType"] == "CHILD_OF" && reference["traceID"] == trace_id
        });
        Self {
            id: text(json, "spanID"),
            parent: parent.map(|reference| text(reference, "spanID")),
            name: text(json, "operationName"),
            kind: tag("span.kind").unwrap_or_else(|| "internal".to_owned()),
            status: match tag("otel.status_code") {
                Some(status) => status.to_lowercase(),
                None if tag("error").as_deref() == Some("true") => "error".to_owned(),
                None => "unset".to_owned(),
            },
            status_description: tag("otel.status_description"),
            service: text(process, "serviceName"),
            resource: pairs(&process["tags"]),
            events: list(&json["logs"])
                .iter()
                .map(|log| pairs(&log["fields"]))
                .collect(),
            start: Duration::from_micros(
                json["startTime"]
                    .as_u64()
                    .expect("Jaeger gives every span a start"),
            ),
            duration: Duration::from_micros(
                json["duration"]
                    .as_u64()
                    .expect("Jaeger gives every span a duration"),
            ),
            tags,
        }
    }
}

/// Jaeger writes `null` for an empty list in some places and `[]` in others.
fn list(json: &Value) -> &[Value] {
    json.as_array().map_or(&[], Vec::as_slice)
}

fn pairs(json: &Value) -> BTreeMap<String, Value> {
    list(json)
        .iter()
        .map(|pair| (text(pair, "key"), pair["value"].clone()))
        .collect()
}

fn text(json: &Value, key: &str) -> String {
    json[key]
        .as_str()
        .unwrap_or_else(|| panic!("expected a text `{key}` in Jaeger's {json}"))
        .to_owned()
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn span(id: &str, parent: Option<&str>, name: &str, start: u64, tags: Value) -> Value {
        let references: Vec<_> = parent
            .iter()
            .map(|id| json!({"refType": "CHILD_OF", "traceID": "t", "spanID": id}))
            .collect();
        json!({
            "traceID": "t", "spanID": id, "operationName": name, "references": references, "startTime": start,
            "duration": 5, "tags": tags, "logs": null, "processID": "p1", "warnings": null,
        })
    }

    fn trace(spans: Vec<Value>) -> Trace {
        Trace::parse(&json!({
            "traceID": "t", "spans": spans, "processes": {"p1": {"serviceName": "shop", "tags": []}}, "warnings": null,
        }))
    }

    #[test]
    fn prints_as_a_tree_in_the_order_of_time() {
        let server = json!([
            {"key": "span.kind", "type": "string", "value": "server"},
            {"key": "otel.status_code", "type": "string", "value": "ERROR"},
            {"key": "http.response.status_code", "type": "int64", "value": 500},
        ]);
        let trace = trace(vec![
            span("c", Some("a"), "second", 3, json!([])),
            span("b", Some("a"), "first", 2, json!([])),
            span("d", Some("b"), "below", 4, json!([])),
            span("a", None, "GET /", 1, server),
        ]);

        let expected = "\
GET / (server of shop) error
  first (internal of shop)
    below (internal of shop)
  second (internal of shop)
";
        assert_eq!(trace.to_string(), expected);
        assert_eq!(trace.path(trace.span("below")), ["GET /", "first", "below"]);
        assert_eq!(
            trace.root().tag("http.response.status_code").as_deref(),
            Some("500")
        );
        assert_eq!(
            (
                trace.root().status.as_str(),
                trace.span("below").status.as_str()
            ),
            ("error", "unset")
        );
    }

    #[test]
    #[should_panic(expected = "expected one root, found 2")]
    fn a_span_whose_parent_never_came_is_a_second_root() {
        let _ = trace(vec![
            span("a", None, "GET /", 1, json!([])),
            span("b", Some("x"), "lost", 2, json!([])),
        ])
        .root();
    }
}
