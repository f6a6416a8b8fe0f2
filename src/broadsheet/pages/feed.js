addEventListener("DOMContentLoaded", () => {
  const language = document.querySelector("div[lang]").lang;
  for (const entry of document.querySelectorAll("entry, item")) {
    const own = (...names) => [...entry.children].filter((each) => names.includes(each.localName));
    const alternate = own("link").find((each) => (each.getAttribute("rel") ?? "alternate") === "alternate");
    const address = alternate?.getAttribute("href") ?? alternate?.textContent ?? "";
    if (/^https?:/.test(address)) {
      const link = document.createElementNS("http://www.w3.org/1999/xhtml", "a");
      link.href = address;
      const [title] = own("title");
      link.append(...title.childNodes);
      title.append(link);
    }
    for (const date of own("published", "pubDate")) {
      date.textContent = new Date(date.textContent).toLocaleDateString(language, { dateStyle: "long" });
    }
  }
});
