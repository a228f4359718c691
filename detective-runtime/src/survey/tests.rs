//! The exact message for each kind of finding.

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::routing::get;

use super::{Finding, Function, Survey, Templates};
use crate::config::Loader;
use crate::testing;

const FUNCTIONS: &[&str] = &[
    "store::orders::buy",
    "store::users::get_user",
    "store::users::list_users",
];

const ROUTES: &str = "routes: /, /api/toys, /health, /legacy, /legacy/, /static/{*path}, \
                      /users/{user_id}, /users/{user_id}/toys, /{{braces}}";

fn app() -> Router {
    let inner = Router::new().route("/old", get(async || "old"));
    Router::new()
        .route("/", get(async || "home"))
        .route("/health", get(async || "ok"))
        .route("/users/{user_id}", get(async || "user"))
        .route("/users/{user_id}/toys", get(async || "toys"))
        .route("/static/{*path}", get(async || "file"))
        .nest("/api", Router::new().route("/toys", get(async || "toys")))
        .nest_service("/legacy", inner)
        .route("/{{braces}}", get(async || "braces"))
        .fallback(async || "nothing here")
}

fn survey(toml: &str) -> Survey {
    let loaded = Loader::isolated(toml).load();
    Survey::new(&loaded.expect("the settings should be accepted"))
}

fn texts(findings: &[Finding]) -> Vec<String> {
    let text = |finding: &Finding| format!("{:?}: {}", finding.level, finding.diagnostic);
    findings.iter().map(text).collect()
}

#[track_caller]
fn check_functions(toml: &str, expected: &[&str]) {
    let function = |path: &&'static str| Function {
        path,
        file: "src/lib.rs",
        line: 7,
    };
    let functions: Vec<Function<'_>> = FUNCTIONS.iter().map(function).collect();
    assert_eq!(texts(&survey(toml).functions_among(&functions)), expected);
}

#[track_caller]
fn check_routes(toml: &str, expected: &[&str]) {
    assert_eq!(texts(&survey(toml).routes(&app())), expected);
}

#[test]
fn routes_are_listed_without_calling_anything() {
    let app = Router::new()
        .route("/a/{b}", get(async || -> &'static str { panic!("called") }))
        .layer(from_fn(async |_: Request, _: Next| -> &'static str {
            panic!("called")
        }));
    assert_eq!(Templates::of(&app).listed(), ["/a/{b}"]);
}

#[test]
fn rules_that_fit_are_silent() {
    check_functions("", &[]);
    check_functions("[investigate.\"store::*\"]\nsample = 0.1\n", &[]);
    check_routes(
        "[http]\ngroups = { \"/files/*\" = \"/files\" }\n\
         [routes.\"/users/{user_id}\"]\nsample = 0.1\n\
         [routes.\"/files\"]\nsample = 0.1\n\
         [routes.\"/legacy/old\"]\nsample = 0.2\n\
         [routes.\"/api/*\"]\nsample = 0.2\n\
         [routes.\"/static/{*path}\"]\nsample = 0.2\n\
         [routes.\"/{{braces}}\"]\nsample = 0.2\n\
         [routes.\"*\"]\nsample = 0.2\n",
        &[],
    );
}

#[test]
fn rule_that_matches_no_function() {
    let case = |pattern: &str, near: &str| {
        check_functions(
            &format!(
                "\n[investigate.\"{pattern}\"]\nsample = 0.1\n[investigate.\"*\"]\nslow = \"2s\"\n"
            ),
            &[&format!(
                "Warning: detective.toml:2:14: [investigate.\"{pattern}\"] matches no investigated \
                 function{near}"
            )],
        );
    };
    case(
        "store::users::get_usr",
        ", did you mean `store::users::get_user`?",
    );
    case("get_user", ", did you mean `store::users::get_user`?");
    case("store::user::*", ", did you mean `store::users::*`?");
    case(
        "zzz",
        "\n  investigated: store::orders::buy, store::users::get_user, store::users::list_users",
    );
}

#[test]
fn rule_in_a_program_without_functions() {
    let findings = survey("[investigate.\"a::*\"]\nspans = true\n").functions_among(&[]);
    assert_eq!(
        texts(&findings),
        [
            "Warning: detective.toml:1:14: [investigate.\"a::*\"] matches no function, because no \
             function has #[investigate]"
        ]
    );
}

#[test]
fn rule_that_matches_no_route() {
    let case = |pattern: &str, rest: &str| {
        check_routes(
            &format!("\n[routes.\"{pattern}\"]\nsample = 0.1\n"),
            &[&format!(
                "Warning: detective.toml:2:9: [routes.\"{pattern}\"] matches no route{rest}"
            )],
        );
    };
    case(
        "/users/{id}",
        ", because `/users/{user_id}` handles its requests, did you mean that?",
    );
    case("/user/{user_id}", ", did you mean `/users/{user_id}`?");
    case("/api/toys/*", ", did you mean `/api/toys`?");
    case("/zzz", &format!("\n  {ROUTES}"));
}

#[test]
fn rule_that_closer_rules_make_dead() {
    check_routes(
        "[routes.\"/users/*\"]\nsample = 0.1\n\
         [routes.\"/users/{user_id}\"]\nsample = 0.2\nslow = \"1s\"\n\
         [routes.\"/users/{user_id}/*\"]\nsample = 0.3\n",
        &[
            "Warning: detective.toml:1:9: [routes.\"/users/*\"] decides nothing, because closer rules \
             set all of its keys for every route that it matches; remove it or them\n  \
             closer: [routes.\"/users/{user_id}\"] (detective.toml:3:9), \
             [routes.\"/users/{user_id}/*\"] (detective.toml:6:9)",
        ],
    );
    // The rule is in effect as long as one route takes one key from it.
    check_routes(
        "[routes.\"/users/*\"]\nsample = 0.1\nslow = \"2s\"\n\
         [routes.\"/users/{user_id}\"]\nsample = 0.2\nslow = \"1s\"\n\
         [routes.\"/users/{user_id}/*\"]\nsample = 0.3\n",
        &[],
    );
    check_functions(
        "[investigate.\"store::*\"]\nspans = false\n[investigate.\"store::o*\"]\nspans = true\n\
         [investigate.\"store::users::*\"]\nspans = true\n",
        &[
            "Warning: detective.toml:1:14: [investigate.\"store::*\"] decides nothing, because closer \
             rules set all of its keys for every function that it matches; remove it or them\n  \
             closer: [investigate.\"store::o*\"] (detective.toml:3:14), \
             [investigate.\"store::users::*\"] (detective.toml:5:14)",
        ],
    );
}

#[test]
fn rule_without_a_key() {
    check_routes(
        "[routes.\"/\"]\n",
        &[
            "Warning: detective.toml:1:9: [routes.\"/\"] decides nothing, expected a key below it, \
             such as `sample = 0.1`",
        ],
    );
}

#[test]
fn rule_for_what_is_excluded() {
    check_routes(
        "[routes.\"/health\"]\nsample = 0.1\n[http]\nexclude = [\"/health\"]\n",
        &[
            "Warning: detective.toml:1:9: [routes.\"/health\"] decides nothing, because \
             `http.exclude` excludes every route that it matches; remove one of the two\n  \
             http.exclude: detective.toml:4:1",
        ],
    );
}

#[test]
fn function_that_no_rule_selects() {
    check_functions(
        "[investigate.\"store::users::*\"]\nspans = false\n",
        &[
            "Note: detective.toml:1:14: no rule of [investigate] matches 1 of 3 investigated \
             functions, so the sections decide for them\n  store::orders::buy (src/lib.rs:7)",
        ],
    );
}

const WRONG: &str = "[routes.\"/zzz\"]\nsample = 0.1\n[routes.\"/\"]\n";

#[tokio::test]
async fn findings_stop_nothing_unless_strict() {
    let toml = format!("[service]\nstrict = false\n{WRONG}[investigate.\"zzz\"]\nspans = true\n");
    let (detective, _) = testing::start(&toml).await.expect("warnings only");
    assert!(detective.check(&app()).is_ok());
}

#[tokio::test]
async fn strict_start_fails_for_functions() {
    let toml = "[service]\nstrict = true\n[investigate.\"zzz\"]\nspans = true\n";
    let error = testing::start(toml).await.expect_err("a mistake");
    let expected = "the configuration has a mistake\n\
                    detective.toml:3:14: [investigate.\"zzz\"] matches no ";
    assert!(error.to_string().starts_with(expected), "{error}");
}

#[tokio::test]
async fn strict_serve_fails_for_routes() {
    let toml = format!("[service]\nstrict = true\n{WRONG}");
    let (detective, _) = testing::start(&toml).await.expect("no function is named");
    let error = detective.serve("127.0.0.1:0", app()).await;
    assert_eq!(
        error.expect_err("two mistakes").to_string(),
        format!(
            "the configuration has 2 mistakes\n\
             detective.toml:3:9: [routes.\"/zzz\"] matches no route\n  {ROUTES}\n\
             detective.toml:5:9: [routes.\"/\"] decides nothing, expected a key below it, such as \
             `sample = 0.1`"
        )
    );
}

#[test]
fn profile_decides_unless_the_key_does() {
    let check = |profile: &str, toml: &str, expected: bool| {
        let loaded = Loader::isolated(toml).profile(profile).load();
        let survey = Survey::new(&loaded.expect("the settings should be accepted"));
        assert_eq!(survey.strict, expected, "{profile}: {toml}");
    };
    check("production", "", true);
    check("development", "", false);
    check("production", "[service]\nstrict = false\n", false);
    check("development", "[service]\nstrict = true\n", true);
}
