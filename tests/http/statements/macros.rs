//! Expands the macros that assemble statements, as far as these need it: declarative macros of the storage layer, `concat!` and `stringify!`.

use std::collections::HashMap;

use proc_macro2::{Group, Literal, TokenStream, TokenTree};

/// Macros by name: the pattern and the body of each arm.
#[derive(Clone, Default)]
pub struct Macros(HashMap<String, Vec<Rule>>);

/// The pattern and the expansion of one rule.
type Rule = (Vec<TokenTree>, Vec<TokenTree>);

/// What a variable of a pattern stands for.
#[derive(Clone, Debug)]
enum Binding {
    Tokens(Vec<TokenTree>),
    Repeated(Vec<Binding>),
}

type Bindings = HashMap<String, Binding>;

pub fn tokens(stream: TokenStream) -> Vec<TokenTree> {
    stream.into_iter().collect()
}

fn is(token: Option<&TokenTree>, text: &str) -> bool {
    token.is_some_and(|token| !matches!(token, TokenTree::Group(_)) && token.to_string() == text)
}

fn group(token: Option<&TokenTree>) -> Option<&Group> {
    match token {
        Some(TokenTree::Group(group)) => Some(group),
        _ => None,
    }
}

/// The end of what a fragment of the pattern takes: up to a comma that is not in `<>`.
fn up_to_comma(input: &[TokenTree]) -> usize {
    let mut depth = 0_i32;
    for (at, token) in input.iter().enumerate() {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '<' => depth += 1,
            TokenTree::Punct(punct) if punct.as_char() == '>' => depth -= 1,
            TokenTree::Punct(punct) if punct.as_char() == ',' && depth <= 0 => return at,
            _ => {}
        }
    }
    input.len()
}

impl Macros {
    /// Reads the definitions at the top of a file that `selects` accepts.
    pub fn define_all(&mut self, file: &[TokenTree], selects: impl Fn(&str) -> bool) {
        for (at, token) in file.iter().enumerate() {
            if is(Some(token), "macro_rules") {
                let (Some(name), Some(arms)) = (file.get(at + 2), group(file.get(at + 3))) else { continue };
                if selects(&name.to_string()) {
                    self.define(name, arms);
                }
            }
        }
    }

    fn define(&mut self, name: &TokenTree, arms: &Group) {
        let arms = tokens(arms.stream());
        let arms = arms.split(|token| is(Some(token), ";")).filter(|arm| !arm.is_empty());
        // `(pattern) => { body }`
        let parts = arms.map(|arm| (tokens(group(arm.first()).expect("a pattern").stream()), tokens(group(arm.get(3)).expect("a body").stream())));
        self.0.insert(name.to_string(), parts.collect());
    }

    /// The tokens with all known macros expanded, and without their definitions.
    pub fn expand(&mut self, input: &[TokenTree]) -> Vec<TokenTree> {
        let (mut found, mut at) = (Vec::new(), 0);
        while let Some(token) = input.get(at) {
            // Macros of this layer are called without a path.
            let is_called = is(input.get(at + 1), "!") && matches!(token, TokenTree::Ident(_)) && !(at > 0 && is(input.get(at - 1), ":"));
            let called = group(input.get(at + 2)).filter(|_| is_called);
            match (token.to_string().as_str(), called) {
                ("macro_rules", _) if is(input.get(at + 1), "!") => {
                    self.define(&input[at + 2], group(input.get(at + 3)).expect("arms"));
                    at += 4;
                }
                ("stringify", Some(arguments)) => {
                    found.push(Literal::string(&arguments.stream().to_string()).into());
                    at += 3;
                }
                ("concat", Some(arguments)) => {
                    let parts = self.expand(&tokens(arguments.stream()));
                    let parts = parts.iter().filter(|token| !is(Some(token), ","));
                    let text: String = parts.map(|part| text_of(part).unwrap_or_else(|| panic!("concat! of {part}"))).collect();
                    found.push(Literal::string(&text).into());
                    at += 3;
                }
                (name, Some(arguments)) if self.0.contains_key(name) => {
                    let body = self.apply(name, &tokens(arguments.stream()));
                    found.extend(self.expand(&body));
                    at += 3;
                }
                _ => {
                    found.push(match token {
                        TokenTree::Group(inner) => {
                            let within = self.expand(&tokens(inner.stream()));
                            Group::new(inner.delimiter(), within.into_iter().collect()).into()
                        }
                        other => other.clone(),
                    });
                    at += 1;
                }
            }
        }
        found
    }

    fn apply(&self, name: &str, arguments: &[TokenTree]) -> Vec<TokenTree> {
        for (pattern, body) in &self.0[name] {
            let mut rest = arguments;
            if let Some(bindings) = matched(pattern, &mut rest).filter(|_| rest.is_empty()) {
                return transcribed(body, &bindings);
            }
        }
        panic!("no arm of {name}! takes {}", arguments.iter().cloned().collect::<TokenStream>());
    }
}

/// `$(…)`, its separator, and where the pattern goes on.
fn repetition(pattern: &[TokenTree]) -> Option<(Vec<TokenTree>, Option<TokenTree>, &[TokenTree])> {
    let inner = group(pattern.get(1)).filter(|_| is(pattern.first(), "$"))?;
    let is_operator = |at: usize| ["*", "+", "?"].iter().any(|operator| is(pattern.get(at), operator));
    let (separator, end) = if is_operator(2) { (None, 3) } else { (pattern.get(2).cloned(), 4) };
    Some((tokens(inner.stream()), separator, pattern.get(end..).unwrap_or_default()))
}

fn matched(pattern: &[TokenTree], input: &mut &[TokenTree]) -> Option<Bindings> {
    let (mut pattern, mut bindings) = (pattern, Bindings::new());
    while let Some(first) = pattern.first() {
        if let Some((inner, separator, after)) = repetition(pattern) {
            let mut repeated = Vec::new();
            loop {
                let mut rest = *input;
                if !repeated.is_empty() && separator.is_some() {
                    if !is(rest.first(), &separator.as_ref().map(ToString::to_string).unwrap_or_default()) {
                        break;
                    }
                    rest = &rest[1..];
                }
                let Some(one) = matched(&inner, &mut rest).filter(|_| rest.len() < input.len()) else { break };
                repeated.push(one);
                *input = rest;
            }
            for name in variables(&inner) {
                let each = repeated.iter().map(|one| one[&name].clone()).collect();
                bindings.insert(name, Binding::Repeated(each));
            }
            pattern = after;
        } else if is(Some(first), "$") {
            let taken = match pattern[3].to_string().as_str() {
                "ident" | "literal" => 1,
                _ => up_to_comma(input),
            };
            let value = input.get(..taken).filter(|value| !value.is_empty() && !is(value.first(), "@"))?;
            bindings.insert(pattern[1].to_string(), Binding::Tokens(value.to_vec()));
            *input = &input[taken..];
            pattern = &pattern[4..];
        } else {
            let token = input.first()?;
            match (first, token) {
                (TokenTree::Group(expected), TokenTree::Group(found)) if expected.delimiter() == found.delimiter() => {
                    let within = tokens(found.stream());
                    let mut rest = within.as_slice();
                    bindings.extend(matched(&tokens(expected.stream()), &mut rest).filter(|_| rest.is_empty())?);
                }
                _ if is(Some(token), &first.to_string()) => {}
                _ => return None,
            }
            *input = &input[1..];
            pattern = &pattern[1..];
        }
    }
    Some(bindings)
}

/// The variables of a pattern or body.
fn variables(pattern: &[TokenTree]) -> Vec<String> {
    let mut names = Vec::new();
    for (at, token) in pattern.iter().enumerate() {
        match (token, pattern.get(at + 1)) {
            (TokenTree::Group(inner), _) => names.extend(variables(&tokens(inner.stream()))),
            (dollar, Some(TokenTree::Ident(name))) if is(Some(dollar), "$") => names.push(name.to_string()),
            _ => {}
        }
    }
    names
}

fn transcribed(body: &[TokenTree], bindings: &Bindings) -> Vec<TokenTree> {
    let (mut found, mut body) = (Vec::new(), body);
    while let Some(first) = body.first() {
        let variable = body.get(1).filter(|_| is(Some(first), "$")).and_then(|name| bindings.get(&name.to_string()));
        if let Some((inner, separator, after)) = repetition(body) {
            let names = variables(&inner);
            let each = |name: &String| match bindings.get(name) {
                Some(Binding::Repeated(each)) => Some(each),
                _ => None,
            };
            let count = names.iter().filter_map(each).map(Vec::len).next().unwrap_or_default();
            for n in 0..count {
                let mut one = bindings.clone();
                one.extend(names.iter().filter_map(|name| Some((name.clone(), each(name)?[n].clone()))));
                found.extend(separator.clone().filter(|_| n > 0));
                found.extend(transcribed(&inner, &one));
            }
            body = after;
        } else if let Some(Binding::Tokens(value)) = variable {
            found.extend(value.iter().cloned());
            body = &body[2..];
        } else {
            found.push(match first {
                TokenTree::Group(inner) => Group::new(inner.delimiter(), transcribed(&tokens(inner.stream()), bindings).into_iter().collect()).into(),
                other => other.clone(),
            });
            body = &body[1..];
        }
    }
    found
}

/// The value of a string literal, or the text of a number.
pub fn text_of(token: &TokenTree) -> Option<String> {
    let TokenTree::Literal(literal) = token else { return None };
    let source = literal.to_string();
    if let Some(raw) = source.strip_prefix('r') {
        let raw = raw.trim_matches('#');
        return Some(raw.strip_prefix('"')?.strip_suffix('"')?.to_owned());
    }
    let Some(quoted) = source.strip_prefix('"') else { return source.parse::<i64>().is_ok().then_some(source) };
    let mut rest = quoted.strip_suffix('"')?;
    let mut text = String::new();
    while let Some((before, after)) = rest.split_once('\\') {
        text.push_str(before);
        let escaped = after.chars().next()?;
        rest = &after[escaped.len_utf8()..];
        match escaped {
            '\n' => rest = rest.trim_start(),
            'n' => text.push('\n'),
            't' => text.push('\t'),
            'r' => text.push('\r'),
            '\\' | '"' | '\'' => text.push(escaped),
            other => panic!("the escape \\{other} in {source}"),
        }
    }
    text.push_str(rest);
    Some(text)
}
