// The style of the status page. Colours are chosen by what they mean; both schemes keep text at a
// contrast of 4.5 : 1 or more.

export const PAGE_STYLE = `
:root {
  --ground: #f6f7f8; --panel: #ffffff; --line: #dfe3e6; --text: #1b2126; --soft: #5b656d;
  --one: #0b6bcb; --two: #b3560a; --three: #8a3ffc; --good: #14713c; --bad: #b3261e; --fill: #0b6bcb1f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14181b; --panel: #1c2226; --line: #323a40; --text: #e7ebee; --soft: #9fabb3;
    --one: #62b0ff; --two: #ffab5c; --three: #c3a3ff; --good: #5fd08d; --bad: #ff8a80; --fill: #62b0ff26;
  }
}
* { box-sizing: border-box; }
html { background: var(--ground); color: var(--text); font: 15px/1.45 system-ui, sans-serif; -webkit-text-size-adjust: 100%; }
body { margin: 0 auto; padding: 1rem; max-width: 76rem; }
h1, h2, h3, p, dl, dd, figure { margin: 0; }
h1 { font-size: 1.5rem; overflow-wrap: anywhere; }
h2 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
h3 { font-size: .8125rem; font-weight: 600; }
a { color: var(--one); margin-right: .75rem; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: .25rem .75rem; margin-bottom: 1rem; }
#state { font-weight: 600; color: var(--good); }
#state.bad { color: var(--bad); }
.facts { flex-basis: 100%; color: var(--soft); display: flex; flex-wrap: wrap; gap: 0 1rem; }
#notice { border-left: 4px solid var(--bad); background: var(--panel); padding: .5rem .75rem; margin-bottom: 1rem; overflow-wrap: anywhere; }
#tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .5rem; }
#tiles > div { background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: .5rem .75rem; }
#tiles b { display: block; font-size: 1.375rem; line-height: 1.2; font-variant-numeric: tabular-nums; white-space: nowrap; }
#tiles span, #tiles small { color: var(--soft); font-size: .8125rem; }
#tiles small { display: block; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
#charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); gap: .5rem; margin-top: .5rem; }
figure { display: flex; flex-direction: column; background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: .5rem .75rem; min-width: 0; }
figcaption { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 .75rem; }
figcaption ul { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: 0 .75rem; font-size: .8125rem; color: var(--soft); font-variant-numeric: tabular-nums; }
figcaption li::before { content: ""; display: inline-block; width: .75rem; height: 2px; margin-right: .375rem; vertical-align: middle; background: currentColor; }
.c0 { color: var(--one); stroke: var(--one); } .c1 { color: var(--two); stroke: var(--two); } .c2 { color: var(--three); stroke: var(--three); }
figcaption li span { color: var(--text); }
.plot { position: relative; margin-top: auto; padding-top: .25rem; }
.plot span { position: absolute; top: .375rem; left: 0; padding: 0 .25rem; background: var(--panel); color: var(--soft); font-size: .75rem; font-variant-numeric: tabular-nums; }
.plot span.bottom { top: auto; bottom: .125rem; }
svg { display: block; width: 100%; height: 7rem; }
svg path { fill: none; stroke-width: 1.5; vector-effect: non-scaling-stroke; }
svg path.area { stroke: none; fill: var(--fill); }
svg line { stroke: var(--line); vector-effect: non-scaling-stroke; }
.scale { display: flex; justify-content: space-between; color: var(--soft); font-size: .75rem; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; background: var(--panel); border: 1px solid var(--line); border-radius: 6px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .375rem .75rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
tr:last-child td { border-bottom: 0; }
th { color: var(--soft); font-size: .8125rem; font-weight: 600; }
td.number, th.number { text-align: right; }
td.path { white-space: normal; overflow-wrap: anywhere; min-width: 12rem; }
td.busy { color: var(--one); } td.stalled, td.late { color: var(--bad); font-weight: 600; } td.starting, td.draining { color: var(--two); }
td.none { color: var(--soft); white-space: normal; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: 0 1.5rem; }
dl div { display: flex; justify-content: space-between; gap: 1rem; border-bottom: 1px solid var(--line); padding: .25rem 0; }
dt { color: var(--soft); } dd { font-variant-numeric: tabular-nums; text-align: right; }
footer { margin-top: 1.5rem; color: var(--soft); }
`;
