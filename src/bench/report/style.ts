/** The page's style: light, and dark where the reader's system asks for it. */
export const STYLE = `
:root { color-scheme: light dark;
  --page: #f4f4f1; --surface: #fcfcfb; --text: #0b0b0b; --second: #52514e; --muted: #8b8a83; --grid: #e4e3dc; --edge: #dcdbd3;
  --s1: #2a78d6; --s2: #1baf7a; --s3: #c98500; --s4: #4a3aa7; --s5: #e34948; --s6: #008300; --s7: #d55181; --s8: #d95926;
  --decode: #1baf7a; --infer: #2a78d6; --encode: #eb6834; --inside: #ffffff; }
@media (prefers-color-scheme: dark) { :root {
  --page: #111110; --surface: #1a1a19; --text: #ffffff; --second: #c3c2b7; --muted: #8b8a83; --grid: #2c2c2a; --edge: #33332f;
  --s1: #3987e5; --s2: #199e70; --s3: #c98500; --s4: #9085e9; --s5: #e66767; --s6: #40a040; --s7: #d55181; --s8: #d95926;
  --decode: #199e70; --infer: #3987e5; --encode: #d95926; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 1200px; margin: 0 auto; padding: 32px 20px 56px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 6px; letter-spacing: -0.01em; }
h2 { font-size: 17px; margin: 0 0 2px; } h3 { font-size: 14px; margin: 0; font-weight: 600; }
p { margin: 0 0 10px; color: var(--second); } p.lead { font-size: 16px; max-width: 72ch; }
section, .tile { background: var(--surface); border: 1px solid var(--edge); border-radius: 12px; padding: 18px 20px; }
section { margin-top: 18px; overflow-x: auto; container-type: inline-size; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(190px, 1fr)); gap: 14px; margin-top: 20px; }
.tile b { display: block; font-size: 30px; line-height: 1.15; letter-spacing: -0.02em; } .tile span { color: var(--second); font-size: 13px; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 492px), 1fr)); gap: 18px; }
.many { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 300px), 1fr)); gap: 18px; margin-top: 10px; }
svg { display: block; width: 100%; height: auto; font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; }
.grid { stroke: var(--grid); } .axis { stroke: var(--muted); } .rate { stroke: var(--muted); stroke-dasharray: 3 4; }
.tick { fill: var(--second); } .note { fill: var(--muted); font-size: 11px; } .name { fill: var(--text); } .own { font-weight: 600; }
.inside { fill: var(--inside); font-size: 11px; } .front { fill: none; stroke: var(--muted); stroke-dasharray: 2 4; stroke-width: 1.5; }
.narrow, .middle, .wide { display: none; } .legend { font-size: 13px; }
@container (max-width: 449.9px) { .narrow { display: block; } }
@container (min-width: 450px) and (max-width: 899.9px) { .middle { display: block; } }
@container (min-width: 900px) { .wide { display: block; } }
@supports not (container-type: inline-size) { .wide { display: block; } }
@media (max-width: 620px) { main { padding: 24px 12px 40px; } section, .tile { padding: 14px; } }
.keys { white-space: nowrap; } .key { display: inline-block; width: 10px; height: 10px; border-radius: 3px; margin: 0 5px 0 12px; }
table { border-collapse: collapse; width: 100%; font-size: 13px; font-variant-numeric: tabular-nums; }
th { text-align: right; font-weight: 600; color: var(--second); border-bottom: 1px solid var(--edge); padding: 6px 10px; }
td { text-align: right; border-bottom: 1px solid var(--grid); padding: 6px 10px; }
th:first-child, td:first-child { text-align: left; padding-left: 0; } td.bad { color: var(--s5); font-weight: 600; }
@container (min-width: 450px) and (max-width: 899.9px) { th, td { padding: 6px 5px; } }
@container (max-width: 449.9px) {
  thead { display: none; } table, tbody { display: block; }
  tr { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 2px 20px; padding: 8px 0; border-bottom: 1px solid var(--grid); } tr:last-child { border: 0; }
  td { display: flex; justify-content: space-between; gap: 10px; border: 0; padding: 0; overflow-wrap: anywhere; }
  td::before { content: attr(data-head); color: var(--second); text-align: left; overflow-wrap: normal; }
  td:first-child, td.long { grid-column: 1 / -1; } td:first-child { font-weight: 600; } td:first-child::before { content: none; } }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 18px; margin: 8px 0 0; } dt { color: var(--second); } dd { margin: 0; }
`;
