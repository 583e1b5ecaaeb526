//! The pages of help, in upstream's layout.

use process::help::{EndpointHelp, Help, NoHelp, Page, prefers_markdown};

fn help() -> Help {
    let mut help = Help::new(Some("slave(1)".to_owned()));
    let state = EndpointHelp::new("Tells the state.")
        .references(&["[docs]: http://localhost/docs"])
        .authorization(&["Some see less."])
        .authentication(true)
        .description(&["Lists tasks", "and executors."]);
    help.add("slave(1)", "/state", Some(&state.to_string()));
    help.add("slave(1)", "/api/v1", Some(&EndpointHelp::new("The API.").to_string()));
    help.add("version", "/", Some("### TL;DR; ###\nVersion\n"));
    help.add("metrics", "/snapshot", None);
    help
}

fn markdown(help: &Help, path: &str) -> String {
    help.page(path).map(|page| page.markdown()).unwrap()
}

#[test]
fn an_endpoint_has_its_sections_in_upstreams_order() {
    assert_eq!(
        markdown(&help(), "/help/slave(1)/state"),
        "### USAGE ###\n\
         >        /state\n\
         >        /slave(1)/state\n\
         \n\
         ### TL;DR; ###\n\
         Tells the state.\n\
         \n\
         ### DESCRIPTION ###\n\
         Lists tasks\n\
         and executors.\n\
         \n\
         \n\
         ### AUTHENTICATION ###\n\
         Needs authentication if HTTP authentication is enabled.\n\
         \n\
         ### AUTHORIZATION ###\n\
         Some see less.\n\
         \n\
         \n\
         [docs]: http://localhost/docs\n\
         \n\
         \n"
    );
    let short = EndpointHelp::new("Short.").authentication(false).to_string();
    assert_eq!(
        short,
        "### TL;DR; ###\nShort.\n\n### AUTHENTICATION ###\nNeeds no authentication.\n"
    );
    assert_eq!(EndpointHelp::new("Short.").to_string(), "### TL;DR; ###\nShort.\n");
}

/// Only the delegate can be left out of a path; a slash at the end always.
#[test]
fn usage_is_what_one_would_type() {
    let mut help = help();
    assert!(markdown(&help, "/help/slave(1)/api/v1").contains(">        /api/v1\n"));
    help.add("other", "/x/", Some("text"));
    let page = markdown(&help, "/help/other/x/");
    assert_eq!(page, "### USAGE ###\n>        /other/x\n\ntext\n");
    assert!(help.json().contains(r#"### USAGE ###\n>        /version\n\n### TL;DR;"#));
    assert_eq!(
        markdown(&help, "/help/metrics/snapshot"),
        "## No help page for `/metrics/snapshot`\n\n"
    );
}

#[test]
fn tables_of_contents() {
    let help = help();
    assert_eq!(
        markdown(&help, "/help"),
        "## HELP\n\
         > [/metrics][metrics]\n\
         > [/slave(1)][slave(1)]\n\
         > [/version][version]\n\
         \n\
         [metrics]: help/metrics\n\
         [slave(1)]: help/slave(1)\n\
         [version]: help/version\n"
    );
    assert_eq!(
        markdown(&help, "/help/slave(1)"),
        "## `/slave(1)` ##\n\
         > [/slave(1)/api/v1][slave(1)/api/v1]\n\
         > [/slave(1)/state][slave(1)/state]\n\
         \n\
         [slave(1)/api/v1]: slave(1)/api/v1\n\
         [slave(1)/state]: slave(1)/state\n"
    );
    assert_eq!(
        markdown(&help, "/help/version"),
        "## `/version` ##\n> [/version][version]\n\n[version]: version\n"
    );
    assert_eq!(markdown(&Help::default(), "/help"), "## HELP\n\n");
}

#[test]
fn paths_with_too_many_slashes() {
    let help = help();
    assert_eq!(help.page("/help/"), help.page("/help"));
    assert_eq!(help.page("//help//slave(1)//"), help.page("/help/slave(1)"));
    assert_eq!(help.page("/help//slave(1)//api/v1"), help.page("/help/slave(1)/api/v1"));
    assert!(help.page("/help/slave(1)/api//v1").is_err());
    assert_eq!(help.page(""), help.page("/help"));
}

#[test]
fn what_is_not_there_is_named() {
    let help = help();
    for (path, what) in [
        ("/help/nobody", "/nobody"),
        ("/help/nobody/state", "/nobody"),
        ("/help/slave(1)/nothing", "/slave(1)/nothing"),
        ("/help/slave(1)/state/", "/slave(1)/state/"),
    ] {
        let expected = NoHelp(format!("No help available for '{what}'.\n"));
        assert_eq!(help.page(path), Err(expected));
    }
}

#[test]
fn help_goes_with_its_endpoint_or_its_process() {
    let mut help = help();
    assert!(!help.remove("slave(1)", "/nothing"));
    assert!(!help.remove("nobody", "/state"));
    assert!(help.remove("slave(1)", "/state"));
    assert!(!help.remove("slave(1)", "/state"));
    assert!(help.page("/help/slave(1)/state").is_err());
    assert!(help.page("/help/slave(1)/api/v1").is_ok());
    // With its last endpoint a process is gone, too.
    assert!(help.remove("slave(1)", "/api/v1"));
    assert!(help.page("/help/slave(1)").is_err());

    assert!(help.remove_process("version"));
    assert!(!help.remove_process("version"));
    assert_eq!(
        markdown(&help, "/help"),
        "## HELP\n> [/metrics][metrics]\n\n[metrics]: help/metrics\n"
    );
}

#[test]
fn help_has_no_help() {
    let mut help = Help::new(None);
    help.add("help", "/", Some("text"));
    help.add("__processes__", "/", None);
    assert_eq!(help.json(), r#"{"processes":[]}"#);
}

#[test]
fn all_of_it_as_json() {
    let mut help = Help::new(None);
    help.add("b", "/2", None);
    help.add("b", "/1", Some("say \"hi\"\n"));
    help.add("a", "/", None);
    assert_eq!(
        help.json(),
        "{\"processes\":[\
         {\"id\":\"a\",\"endpoints\":[\
         {\"name\":\"/\",\"text\":\"## No help page for `/a`\\n\"}]},\
         {\"id\":\"b\",\"endpoints\":[\
         {\"name\":\"/1\",\"text\":\"### USAGE ###\\n>        /b/1\\n\\nsay \\\"hi\\\"\\n\"},\
         {\"name\":\"/2\",\"text\":\"## No help page for `/b/2`\\n\"}]}]}"
    );
}

#[test]
fn browsers_get_html_in_which_nothing_runs() {
    let mut help = Help::new(None);
    help.add("<b>\"&'", "/<script>", Some("1 < 2 && <script>alert('x')</script>"));
    let html = |path| help.page(path).map(|page| page.html()).unwrap();
    let contents = html("/help");
    assert!(
        contents
            .contains("<li><a href=\"/help/%3Cb%3E%22%26%27\">/&lt;b&gt;&quot;&amp;&#39;</a></li>")
    );
    let text = html("/help/<b>\"&'/<script>");
    assert!(text.contains("1 &lt; 2 &amp;&amp; &lt;script&gt;alert(&#39;x&#39;)"), "{text}");
    for page in [contents, text] {
        assert!(!page.contains("<script") && !page.contains("<b>"), "{page}");
        assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
    }
    assert!(prefers_markdown(Some("curl/8.5.0")) && prefers_markdown(Some("HTTPie/3.2")));
    assert!(!prefers_markdown(Some("Mozilla/5.0 curl")) && !prefers_markdown(None));
    assert_eq!((Page::MARKDOWN, Page::HTML), ("text/x-markdown", "text/html; charset=utf-8"));
}
