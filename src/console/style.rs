//! The page's style sheet.
//!
//! Everything in it is below `.mw`, so that nothing else on a dashboard changes, and a widget in each theme may stand
//! on one dashboard.

/// The style sheet.
pub(super) const CSS: &str = "\
.mw{--ink:#1f1f1c;--soft:#5b5b56;--line:#cfcdc6;--ground:#f5f3ee;--accent:#97350f;--calm:#1c6238;--alert:#a3141d;\
background:var(--ground);color:var(--ink);padding:20px;font:14px/1.5 system-ui,'Noto Sans',Arial,sans-serif;\
text-align:left;overflow-wrap:break-word}\
.mw-dark{--ink:#eeebe4;--soft:#b0ada6;--line:#484741;--ground:#191918;--accent:#f39a72;--calm:#86d3a2;--alert:#ff9d97}\
.mw *{box-sizing:border-box}\
.mw h2,.mw h3{margin:0;font-weight:400;color:inherit}\
.mw h2{font:400 44px/1.1 Georgia,'Noto Serif',serif}\
.mw h3{font:400 20px/1.3 Georgia,'Noto Serif',serif;margin-bottom:8px}\
.mw p{margin:0 0 6px}\
.mw .state p{font-size:16px;max-width:75ch}\
.mw section{border-top:1px solid var(--line);padding-top:16px;margin-top:16px}\
.mw .state{border-top:0;padding-top:0;margin-top:0;display:flex;flex-wrap:wrap;gap:12px 40px;justify-content:space-between}\
.mw .state>div:first-child{flex:1 1 320px}\
.mw .state h2{padding-left:16px;border-left:6px solid currentColor;margin-bottom:10px}\
.mw .calm h2{color:var(--calm)}.mw .busy h2{color:var(--accent)}.mw .alert h2{color:var(--alert)}\
.mw .next{flex:0 1 auto;min-width:180px}\
.mw .next .big{font:400 30px/1.2 Georgia,'Noto Serif',serif;display:block}\
.mw .soft,.mw .own,.mw .legend{color:var(--soft)}\
.mw .own{display:block}\
.mw ul{margin:0;padding:0;list-style:none}\
.mw li{padding:4px 0}\
.mw .todo li{border-left:3px solid var(--alert);padding-left:12px;margin-bottom:6px}\
.mw table{width:100%;border-collapse:collapse;background:none;color:inherit;font:inherit}\
.mw table+table{margin-top:20px}\
.mw th,.mw td{padding:8px 16px 8px 0;border:0;border-bottom:1px solid var(--line);text-align:left;vertical-align:top;\
background:none;color:inherit;font-weight:400}\
.mw thead th{color:var(--soft);padding-top:0}\
.mw tbody th{overflow-wrap:anywhere}\
.mw tbody th strong{font-weight:600;display:block}\
.mw tr:last-child>*{border-bottom:0}\
.mw svg{display:block;height:auto;max-width:100%}\
.mw svg text{font:12px system-ui,'Noto Sans',Arial,sans-serif;fill:var(--soft)}\
.mw svg text.name{fill:var(--ink)}\
.mw svg text.now{fill:var(--accent)}\
.mw .day{stroke:var(--line)}\
.mw line.now{stroke:var(--accent);stroke-width:2}\
.mw rect.planned{fill:none;stroke:var(--soft)}\
.mw rect.actual{fill:var(--soft)}\
.mw .active rect.planned,.mw .held rect.planned{stroke:var(--accent)}\
.mw .active rect.actual,.mw .held rect.actual{fill:var(--accent)}\
.mw .coming rect,.mw .cancelled rect,.mw .missed rect{stroke-dasharray:3 3}\
.mw .cancelled text.name{text-decoration:line-through}\
.mw .legend{font-size:12px;margin-top:6px}\
.mw .key{margin-right:16px;white-space:nowrap}\
.mw .key span{display:inline-block;width:18px;height:10px;border:1px solid var(--soft);border-radius:2px}\
.mw .key .actual{background:var(--soft)}.mw .key .coming{border-style:dashed}\
.mw .acts{display:flex;flex-wrap:wrap;gap:6px;margin-top:8px}\
.mw .btn{font:inherit;line-height:1.2;padding:6px 12px;min-height:28px;border:1px solid var(--soft);border-radius:4px;\
background:none;color:var(--ink);cursor:pointer}\
.mw .btn:hover{border-color:var(--ink);background:var(--ink);color:var(--ground)}\
.mw .btn:focus-visible,.mw input:focus-visible{outline:3px solid var(--accent);outline-offset:2px}\
.mw form .btn:nth-of-type(2){border-color:var(--ink);background:var(--ink);color:var(--ground)}\
.mw cwdb-action{display:none}\
.mw .bar{display:flex;flex-wrap:wrap;gap:12px 24px;align-items:center}\
.mw .fields{display:grid;grid-template-columns:repeat(auto-fit,minmax(210px,1fr));gap:12px 24px}\
.mw .fields+.acts{margin-top:16px}\
.mw label{display:block}\
.mw label .soft{font-size:12px}\
.mw input{display:block;width:100%;font:inherit;padding:6px 8px;margin:2px 0;border:1px solid var(--soft);border-radius:4px;\
background:none;color:var(--ink)}\
.mw-dark input{color-scheme:dark}\
.mw-narrow{padding:12px}.mw-narrow h2{font-size:32px}.mw-narrow .next .big{font-size:24px}\
.mw-narrow th,.mw-narrow td{padding-right:8px}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_the_page_is_styled() {
        assert!(!CSS.contains('<'), "it cannot end its element");
        for rule in CSS.split('}').filter(|rule| !rule.is_empty()) {
            let selectors = rule.split('{').next().unwrap_or_default();
            for selector in selectors.split(',') {
                assert!(selector.starts_with(".mw"), "{selector}");
            }
        }
    }
}
