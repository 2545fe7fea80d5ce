/** Style sheet of every page: system fonts, light and dark colour schemes, no request to any host. */
export const style = `
:root { color-scheme: light dark; --text: #1c2330; --soft: #5a6475; --paper: #ffffff; --ground: #f3f5f8; --line: #d9dee6; --good: #12703f; --bad: #b3261e; --link: #1a56b8; }
@media (prefers-color-scheme: dark) { :root { --text: #e8ebf0; --soft: #a3adbd; --paper: #1d222b; --ground: #12151b; --line: #363e4b; --good: #6fd39b; --bad: #ff9d94; --link: #8db9ff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 16px/1.55 system-ui, sans-serif; }
a { color: var(--link); }
a:focus-visible, summary:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
code { font-family: ui-monospace, monospace; font-size: .92em; overflow-wrap: anywhere; }
.card { max-width: 36rem; margin: clamp(1rem, 10vh, 7rem) auto 2rem; padding: 2rem; background: var(--paper); border: 1px solid var(--line); border-top: 6px solid var(--soft); border-radius: 10px; overflow-wrap: anywhere; }
.card.good { border-top-color: var(--good); }
.card.bad { border-top-color: var(--bad); }
.card h1 { margin: 0 0 .75rem; font-size: 1.5rem; line-height: 1.25; text-wrap: balance; }
.good h1 { color: var(--good); }
.bad h1 { color: var(--bad); }
.card p { margin: .75rem 0; }
.card .note { padding-left: .9rem; border-left: 3px solid var(--soft); }
.card .next { margin: 1.25rem 0; padding: .9rem 1.1rem; background: var(--ground); border-radius: 8px; }
.card .next h2 { margin: 0; font-size: 1rem; }
.card .next p { margin: .3rem 0 0; }
.card form { margin: 1.5rem 0 0; }
button { padding: .6rem 1.4rem; background: var(--link); color: var(--paper); border: 0; border-radius: 8px; font: inherit; font-weight: 600; overflow-wrap: anywhere; cursor: pointer; }
button:focus-visible { outline: 3px solid var(--text); outline-offset: 2px; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .4rem 1.25rem; margin: 1.25rem 0 0; padding: 1rem 0 0; border-top: 1px solid var(--line); }
dt { color: var(--soft); }
dd { margin: 0; font-weight: 600; overflow-wrap: anywhere; }
@media (max-width: 32rem) {
  .card { margin: .75rem .75rem 1.5rem; padding: 1.25rem; }
  .card dl { display: block; }
  .card dd { margin: 0 0 .6rem; }
}
.docs { max-width: 62rem; margin: 0 auto; padding: 2rem 1.25rem 6rem; }
.docs h2 { margin-top: 3rem; border-bottom: 1px solid var(--line); }
.docs section.operation { overflow-x: auto; margin: 1.25rem 0; padding: 1rem 1.25rem; background: var(--paper); border: 1px solid var(--line); border-radius: 8px; }
.docs section.operation h3 { margin: 0 0 .25rem; font-size: 1.05rem; overflow-wrap: anywhere; }
.docs h4 { margin: 1rem 0 .25rem; font-size: .95rem; color: var(--soft); }
.docs .method { display: inline-block; min-width: 4.2rem; font-weight: 700; color: var(--link); }
.docs table { width: 100%; border-collapse: collapse; font-size: .92rem; }
.docs th, .docs td { padding: .3rem .75rem .3rem 0; text-align: left; vertical-align: top; border-top: 1px solid var(--line); overflow-wrap: break-word; }
.docs th { color: var(--soft); font-weight: 600; }
.docs pre { overflow: auto; margin: .5rem 0; padding: .75rem; background: var(--ground); border: 1px solid var(--line); border-radius: 6px; font: .85rem/1.45 ui-monospace, monospace; }
.docs nav ul { columns: 2 18rem; padding-left: 1.1rem; }
`;
