//! Expansions as golden files, messages, and the promise that nothing a user can type panics.

use proc_macro2::TokenStream;

fn pretty(tokens: TokenStream) -> String {
    prettyplease::unparse(&syn::parse2(tokens).expect("an expansion is a file"))
}

#[test]
fn print() {
    let e = crate::run(std::env::var("ARGS").unwrap_or_default().parse().unwrap(), std::env::var("ITEM").unwrap_or("async fn get_toy(id: i64) -> Result<Json<Toy>, StoreError> { Ok(Json(find(id).await?)) }".into()).parse().unwrap());
    println!("{}", pretty(e));
}
