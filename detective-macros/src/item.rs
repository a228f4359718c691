//! Step one, the item: what the attribute stands on. Signatures are read; bodies stay the raw tokens they are, so
//! that their spans, half-typed code and editor completion survive.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, TokenStreamExt as _};
use syn::parse::{Parse, ParseStream};
use syn::{
    AttrStyle, Attribute, Generics, Ident, LitStr, Signature, Token, Visibility, braced, token,
};

/// What an attribute can stand on.
pub(crate) enum Item {
    Function(Box<Function>),
    Block(Block),
}

/// A function with a body.
pub(crate) struct Function {
    /// Those inside of the body too.
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    pub(crate) brace: token::Brace,
    pub(crate) body: TokenStream,
}

/// An `impl` block, a trait or an inline module.
pub(crate) struct Block {
    pub(crate) attributes: Vec<Attribute>,
    /// Everything between the attributes and the brace.
    pub(crate) header: TokenStream,
    /// The type or trait whose functions these are; `None` in a module.
    pub(crate) owner: Option<String>,
    pub(crate) brace: token::Brace,
    pub(crate) members: Vec<Member>,
}

/// One item of a [`Block`].
pub(crate) enum Member {
    Item(Item),
    /// Whatever has no body to investigate.
    Other(TokenStream),
}

impl Parse for Item {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let ahead = input.fork();
        ahead.call(Attribute::parse_outer)?;
        ahead.parse::<Visibility>()?;
        let keyword: TokenTree = ahead.parse()?;
        let refusal = match parse_member(input, Surroundings::Module)? {
            Member::Item(item) => return Ok(item),
            Member::Other(_) => match keyword.to_string().as_str() {
                "mod" => {
                    "only an inline module, `mod name { .. }`, can be investigated: put `#[investigate]` on the functions of a module in its own file"
                }
                "fn" | "async" | "unsafe" | "extern" => {
                    "a function without a body cannot be investigated: put `#[investigate]` on its implementations"
                }
                _ => {
                    "`#[investigate]` stands on a function, an `impl` block, a trait or an inline module"
                }
            },
        };
        Err(syn::Error::new_spanned(keyword, refusal))
    }
}

/// Where an item stands, which decides what else may stand there.
#[derive(Clone, Copy)]
enum Surroundings {
    Module,
    Impl,
    Trait,
}

fn parse_member(input: ParseStream<'_>, surroundings: Surroundings) -> syn::Result<Member> {
    let ahead = input.fork();
    ahead.call(Attribute::parse_outer)?;
    ahead.parse::<Visibility>()?;
    if is_function(&ahead) {
        return parse_function(input);
    }
    if matches!(surroundings, Surroundings::Module)
        && let Some(keyword) = block_keyword(&ahead)
    {
        return parse_block(input, keyword).map(|block| Member::Item(Item::Block(block)));
    }
    let other = match surroundings {
        Surroundings::Module => input.parse::<syn::Item>()?.into_token_stream(),
        Surroundings::Impl => input.parse::<syn::ImplItem>()?.into_token_stream(),
        Surroundings::Trait => input.parse::<syn::TraitItem>()?.into_token_stream(),
    };
    Ok(Member::Other(other))
}

/// Whether a function begins here: `fn` after nothing but its qualifiers.
fn is_function(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    while !ahead.peek(Token![fn]) {
        let qualifier = ahead.peek(Token![const])
            || ahead.peek(Token![async])
            || ahead.peek(Token![unsafe])
            || ahead.peek(Token![extern])
            || ahead.peek(syn::LitStr);
        if !qualifier || ahead.parse::<TokenTree>().is_err() {
            return false;
        }
    }
    true
}

/// The keyword of a block that begins here: `impl`, `trait`, or `mod` with its content.
fn block_keyword(input: ParseStream<'_>) -> Option<Surroundings> {
    let ahead = input.fork();
    let _ = ahead.parse::<Option<Token![unsafe]>>();
    if ahead.peek(Token![impl]) {
        Some(Surroundings::Impl)
    } else if ahead.peek(Token![trait]) {
        Some(Surroundings::Trait)
    } else if ahead.peek(Token![mod]) && ahead.peek3(token::Brace) {
        Some(Surroundings::Module)
    } else {
        None
    }
}

fn parse_function(input: ParseStream<'_>) -> syn::Result<Member> {
    let mut attributes = input.call(Attribute::parse_outer)?;
    let visibility: Visibility = input.parse()?;
    let signature: Signature = input.parse()?;
    if input.peek(Token![;]) {
        let mut tokens = TokenStream::new();
        tokens.append_all(attributes);
        visibility.to_tokens(&mut tokens);
        signature.to_tokens(&mut tokens);
        input.parse::<Token![;]>()?.to_tokens(&mut tokens);
        return Ok(Member::Other(tokens));
    }
    let content;
    let brace = braced!(content in input);
    attributes.extend(content.call(Attribute::parse_inner)?);
    let body = content.parse()?;
    Ok(Member::Item(Item::Function(Box::new(Function {
        attributes,
        visibility,
        signature,
        brace,
        body,
    }))))
}

fn parse_block(input: ParseStream<'_>, kind: Surroundings) -> syn::Result<Block> {
    let mut attributes = input.call(Attribute::parse_outer)?;
    let mut header = TokenStream::new();
    input.parse::<Visibility>()?.to_tokens(&mut header);
    input
        .parse::<Option<Token![unsafe]>>()?
        .to_tokens(&mut header);
    let owner = match kind {
        Surroundings::Impl => parse_impl_header(input, &mut header)?,
        Surroundings::Trait => Some(parse_trait_header(input, &mut header)?),
        Surroundings::Module => {
            input.parse::<Token![mod]>()?.to_tokens(&mut header);
            input.parse::<Ident>()?.to_tokens(&mut header);
            None
        }
    };
    let content;
    let brace = braced!(content in input);
    attributes.extend(content.call(Attribute::parse_inner)?);
    let mut members = Vec::new();
    while !content.is_empty() {
        members.push(parse_member(&content, kind)?);
    }
    Ok(Block {
        attributes,
        header,
        owner,
        brace,
        members,
    })
}

/// `impl<T> Trait for Type where ..`; returns the name of the type, when it has one.
fn parse_impl_header(
    input: ParseStream<'_>,
    header: &mut TokenStream,
) -> syn::Result<Option<String>> {
    input.parse::<Token![impl]>()?.to_tokens(header);
    let generics: Generics = input.parse()?;
    generics.to_tokens(header);
    input.parse::<Option<Token![!]>>()?.to_tokens(header);
    let mut owner: syn::Type = input.parse()?;
    owner.to_tokens(header);
    if input.peek(Token![for]) {
        input.parse::<Token![for]>()?.to_tokens(header);
        owner = input.parse()?;
        owner.to_tokens(header);
    }
    input.parse::<Option<syn::WhereClause>>()?.to_tokens(header);
    Ok(name_of(&owner))
}

/// The last name of a type's path, as in `Store` for `&mut crate::Store<T>`.
fn name_of(owner: &syn::Type) -> Option<String> {
    match owner {
        syn::Type::Path(path) => Some(path.path.segments.last()?.ident.to_string()),
        syn::Type::Reference(reference) => name_of(&reference.elem),
        // A type that came through a `macro_rules!` is wrapped in an invisible group.
        syn::Type::Group(group) => name_of(&group.elem),
        _ => None,
    }
}

/// `trait Name<T>: Bound where ..`; returns the name.
fn parse_trait_header(input: ParseStream<'_>, header: &mut TokenStream) -> syn::Result<String> {
    input.parse::<Token![trait]>()?.to_tokens(header);
    let name: Ident = input.parse()?;
    name.to_tokens(header);
    input.parse::<Generics>()?.to_tokens(header);
    while !input.is_empty() && !input.peek(Token![where]) && !input.peek(token::Brace) {
        input.parse::<TokenTree>()?.to_tokens(header);
    }
    input.parse::<Option<syn::WhereClause>>()?.to_tokens(header);
    Ok(name.to_string())
}

/// The item as it was written.
impl ToTokens for Item {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Function(function) => function.to_tokens(tokens),
            Self::Block(block) => block.to_tokens(tokens),
        }
    }
}

impl ToTokens for Block {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.append_all(outer(&self.attributes));
        self.header.to_tokens(tokens);
        self.brace.surround(tokens, |tokens| {
            tokens.append_all(inner(&self.attributes));
            for member in &self.members {
                match member {
                    Member::Item(item) => item.to_tokens(tokens),
                    Member::Other(other) => other.to_tokens(tokens),
                }
            }
        });
    }
}

impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.to_tokens_with(tokens, &self.signature, &self.body);
    }
}

impl Function {
    /// The function with another signature and body.
    pub(crate) fn to_tokens_with(
        &self,
        tokens: &mut TokenStream,
        signature: &Signature,
        body: &TokenStream,
    ) {
        tokens.append_all(outer(&self.attributes));
        self.visibility.to_tokens(tokens);
        signature.to_tokens(tokens);
        self.brace.surround(tokens, |tokens| {
            tokens.append_all(inner(&self.attributes));
            body.to_tokens(tokens);
        });
    }
}

/// The macro of the runtime that holds what an investigated function was, for an attribute of ours that comes later
/// under another name. It expands to nothing.
pub(crate) const ORIGINAL: &str = "__detective_original";

/// What is in that macro.
pub(crate) struct Original {
    /// The name of the function, after that of its type.
    pub(crate) path: LitStr,
    pub(crate) signature: Signature,
    pub(crate) body: TokenStream,
}

impl Original {
    /// Reads it from a body that begins with it. If another attribute has put something before it, that
    /// would be lost, so the body is then taken as it is.
    pub(crate) fn of(function: &Function) -> Option<Self> {
        let mut last = None;
        for token in function.body.clone() {
            match token {
                TokenTree::Ident(ident) => last = Some(ident),
                TokenTree::Punct(punct) if matches!(punct.as_char(), ':' | '!') => {}
                TokenTree::Group(group) if last? == ORIGINAL => {
                    return syn::parse2(group.stream()).ok();
                }
                _ => return None,
            }
        }
        None
    }
}

impl Parse for Original {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let path = input.parse()?;
        let signature = input.parse()?;
        let body;
        braced!(body in input);
        Ok(Self {
            path,
            signature,
            body: body.parse()?,
        })
    }
}

/// The attributes that stand before an item.
pub(crate) fn outer(attributes: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attributes
        .iter()
        .filter(|attribute| matches!(attribute.style, AttrStyle::Outer))
}

/// The attributes that stand at the start of its braces.
pub(crate) fn inner(attributes: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attributes
        .iter()
        .filter(|attribute| matches!(attribute.style, AttrStyle::Inner(_)))
}
