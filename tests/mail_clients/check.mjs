// What mail clients make of the mails in feeds/digests, by two libraries that know nothing of
// ours: caniemail has the support tables of caniemail.com, postal-mime parses mail.
// Usage: node check.mjs FOLDER; exits 1 when a mail uses what it should not, or reads back wrong.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { caniemail } from "caniemail";
import PostalMime from "postal-mime";

const CLIENTS = ["apple-mail.*", "gmail.*", "outlook.*", "samsung-email.*", "yahoo.*", "aol.*"];

// Used on purpose although some clients lack them: each is an addition, and the mail is right
// without it. Whatever is not listed here fails.
const GRACEFUL = new Map([
  ["color-scheme CSS property", "tells clients with a dark mode that we have one"],
  ["color-scheme meta tag", "the same"],
  ["@media", "phone widths and dark mode; without it the fluid table still fits"],
  [":hover", "underlines a title under the pointer"],
  ["<style> element", "only media queries and dark mode are left in it"],
  ["Class selector", "only within that style"],
  ["Descendant combinator", "only within that style"],
  ["Type selector", "only within that style"],
  ["Chaining selectors", "only within that style"],
  ["Attribute selector", "Outlook's own dark mode, and links that Apple Mail makes"],
  ["overflow-wrap", "breaks long addresses; else the line is wide"],
  ["word-break", "the same for clients without overflow-wrap"],
  ["white-space", "keeps a date on one line"],
  ["text-wrap", "leaves no single character in the last line of a title"],
  ["display:none", "hides the preheader, together with the next five"],
  ["opacity", "hides the preheader"],
  ["max-height property", "hides the preheader"],
  ["overflow", "hides the preheader"],
  ["height property", "auto on fluid images, which also have the attribute"],
  ["aria-hidden attribute", "keeps screen readers from the preheader's padding"],
  ["role attribute", "tells screen readers that tables are layout"],
  ["lang attribute", "tells screen readers the language"],
  ["<body> element", "carries the background; a table within does too"],
]);

let failed = 0;
const fail = (path, what) => {
  failed += 1;
  console.error(`${path}: ${what}`);
};

function checkFeatures(path) {
  const { issues } = caniemail({ clients: CLIENTS, html: readFileSync(path, "utf8") });
  const lacking = new Map();
  for (const [client, found] of issues.errors)
    for (const { title } of found)
      if (!GRACEFUL.has(title)) lacking.set(title, [...(lacking.get(title) ?? []), client]);
  for (const [title, clients] of lacking)
    fail(path, `uses ${title}, which is missing in ${clients.join(", ")}`);
}

async function checkMessage(folder) {
  const path = join(folder, "message.eml");
  const mail = await new PostalMime().parse(readFileSync(path));
  const record = JSON.parse(readFileSync(join(folder, "issue.json"), "utf8"));
  const read = (name) => readFileSync(join(folder, name), "utf8").trim();
  const lines = (text) => (text ?? "").replaceAll("\r\n", "\n").trim();
  // The policy is for browsers that open the file.
  const html = read("email.html").replace(/\n<meta http-equiv="Content-Security-Policy"[^>]*>/, "");
  if (lines(mail.html) !== html) fail(path, "its HTML is not email.html");
  if (lines(mail.text) !== read("email.txt")) fail(path, "its text is not email.txt");
  const headline = record.sections[0].articles[0].title;
  if (!mail.subject?.endsWith(headline)) fail(path, `its subject reads back as ${mail.subject}`);
  if (new Date(mail.date).getTime() !== new Date(record.tick).getTime())
    fail(path, `its date reads back as ${mail.date}`);
}

const digests = process.argv[2];
let count = 0;
for (const digest of readdirSync(digests, { withFileTypes: true }).filter((d) => d.isDirectory()))
  for (const issue of readdirSync(join(digests, digest.name), { withFileTypes: true }))
    if (issue.isDirectory()) {
      const folder = join(digests, digest.name, issue.name);
      checkFeatures(join(folder, "email.html"));
      await checkMessage(folder);
      count += 1;
    }
if (!count) fail(digests, "there is no issue to check");
console.log(`${count - Math.min(failed, count)} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
