"""The words by which front matter and paths say that an article is not public.

The tables of this module are the only list of the words that generators, themes and content
systems use for drafts and for hidden, private, unlisted or protected articles. A word is looked up
folded: without case, spaces, hyphens and underscores.

Sources:

- Hugo: gohugo.io/content-management/front-matter (draft, headless) and /build-options (list,
  render, `_build` before 0.145); themes FixIt and LoveIt (hiddenFromFeed, hiddenFromRss, password),
  Vitae (nofeed), PaperMod (hiddenInHomeList, robotsNoIndex)
- Jekyll: jekyllrb.com/docs/front-matter (published) and /docs/posts (`_drafts`)
- Eleventy: 11ty.dev/docs/collections (eleventyExcludeFromCollections), /docs/permalinks (false)
- Zola: getzola.org/documentation/content/page (draft, render)
- Astro: files whose names begin with an underscore are not published
- Docusaurus: draft, unlisted; Quartz: unlisted, password, `publish` of ExplicitPublish
- Nuxt Content: `.draft.md`; Publish: isDraft
- Hexo: hexo.io/docs/writing (`_drafts`, published); hexo-hide-posts (hidden),
  hexo-generator-indexed (hide), hexo-blog-encrypt (password), Material (visible: hide)
- VuePress: theme-hope (article, feed, isEncrypted), reco (publish, keys), posts-encrypt (secret),
  blogue (hide)
- Pelican: docs.getpelican.com/en/stable/content.html (status: draft, hidden, skip)
- Nikola: getnikola.com/handbook.html (status: draft, private; before version 8 as tags)
- WordPress: wp-includes/post.php (publish, future, draft, pending, private, trash, auto-draft)
- Ghost: docs.ghost.org/admin-api/posts (status: draft, scheduled, sent; visibility: members, paid,
  tiers; email_only); Substack: audience (only_paid, founding)
- Grav: published, visible, routable; Lektor: `_hidden`, `_discoverable`; Nanoc: is_hidden
- Obsidian: `publish`, and `dg-publish` of Digital Garden
- Material for MkDocs: `draft`; its `status` is a label, and its `hide` lists parts of the page
"""

from __future__ import annotations

import re
from typing import Literal

from broadsheet.articles.fields import EXPIRES, PUBLISH, names

Kind = Literal[
    "hides", "shows", "status", "secret", "hashes", "labels", "address", "robots", "elsewhere"
]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ON = _words(
    "true yes on checked 1 y t x always force 是 对 真 开 开启 启用 ja oui si sí да はい 예"
)
OFF = _words("false no off unchecked 0 n f null nil 否 不 不是 假 关 关闭 禁用 nein non não нет")

DRAFT = _words(
    "draft drafts autodraft wip workinprogress unpublished notpublished unlisted donotpublish "
    "dontpublish 草稿 未发布 未公开 不公开 不发布 entwurf borrador brouillon bozza rascunho "
    "черновик 下書き 非公開 초안 비공개"
)
"""Values that mean a draft, in any field."""

HIDING = DRAFT | _words(
    "firstdraft roughdraft draft1 draft2 inprogress unfinished incomplete outline idea todo "
    "planned concept notstarted notready unreleased hidden hide invisible private privat privado "
    "privé secret confidential internal restricted protected passwordprotected password encrypted "
    "locked nonpublic notpublic notlisted never none nobody noone local onlyme me self owner "
    "pending pendingreview inreview underreview review needsreview awaitingreview toreview "
    "readyforreview reviewing rejected scheduled future queued inherit trash trashed deleted "
    "removed archive archived withdrawn retracted disabled inactive suspended spam skip ignore "
    "exclude excluded offline expired member members membersonly memberonly paid paidonly "
    "onlypaid onlyfree founding tiers premium subscriber subscribers subscribersonly supporters "
    "patrons sponsors friends friendsonly followers loggedin registered authenticated team "
    "staff company employees sent emailonly oculto versteckt caché nascosto 未完成 编辑中 隐藏 "
    "私密 私有 私人 机密 保密 内部 加密 密码保护 仅自己 仅自己可见 仅会员 会员可见 仅好友可见 "
    "待审 待审核 审核中 待发布 定时发布 回收站 已删除 归档 已归档 下架 已下架 숨김"
)
"""Values of a field about visibility that keep an article out."""

SHOWING = _words(
    "published publish public visible listed live released release online active enabled open "
    "shown show everyone everybody anyone anybody all any world default normal standard free "
    "final finished finalized finalised complete completed done approved accepted featured "
    "sticky pinned current stable new updated revised deprecated obsolete superseded outdated "
    "legacy experimental alpha beta evergreen budding seedling seed sprout sapling tree mature "
    "growing fruiting ongoing maintained unmaintained abandoned ok link 已发布 发布 公开 "
    "所有人可见 正常 完成 已完成 完结 连载 连载中 publicado publicada öffentlich veröffentlicht "
    "publié publique pubblicato 公開 공개"
)
"""Values of such a field that publish an article, with labels of MkDocs and digital gardens."""

LABELS = _words("draft drafts private unlisted unpublished 草稿 私密")
"""Tags and categories that keep an article out."""

NOBODY = _words("never none nobody noone")
"""Values that hide an article where its field says who may see it, but not in `private: never`."""

# Parts of field names. A loose one counts only with a plain yes or no: the name has other uses.
_WHOLE = "(?:post|page|article|entry|note|content|item|document|doc)?"
_IT_IS = "(?:is|set|as|make|mark|markas|marked|keep|this|post|page|article|entry|note|content|wp)?"
_STATES = (
    "草稿|隐藏|私密|加密|unlist|unpublish|drafts?|wip|workinprogress|hidden|hide|invisible|unlisted|notlisted|unpublished|notpublished|"
    "nopublish|donotpublish|dontpublish|private|secret|confidential|nonpublic|notpublic|deleted|"
    "trashed|archived|encrypt|encrypted|embargo|embargoed|withdrawn|retracted|passwordprotected|"
    "membersonly|memberonly|subscribersonly|subscriberonly|paidonly|friendsonly|patronsonly|"
    "sponsorsonly|emailonly|headless|scheduled"
)
_LOOSE_STATES = (
    "unfinished|incomplete|needsreview|inreview|underreview|pending|login|internal|internalonly|restricted|protected|locked|paid|paywall|paywalled|premium|disabled?|"
    "inactive|offline|exclude|excluded|ignore|ignored|skip|expired|loginrequired|requireslogin|"
    "requireauth"
)
_PUBLIC = (
    "公开|发布|public|publish|published|topublish|readytopublish|visible|listed|shown|dgpublish|"
    "discoverable"
)
_LOOSE_PUBLIC = (
    "article|show|display|render|list|listing|listable|routable|live|active|enabled?|ready|"
    "released|online|approved|feeds?|rss|atom|rssfeed|atomfeed|jsonfeed"
)
_OF_STATUS = (
    "(?:post|page|article|content|entry|publish|publishing|publication|published|editorial|draft|"
    "review)?"
)
_STATUSES = (
    f"状态|可见性|{_OF_STATUS}status|{_OF_STATUS}visibility|{_OF_STATUS}access|accesslevel|privacy|privacylevel|"
    "(?:publish|publication|post|page)state|visibleto|visiblefor|viewableby|readableby"
)
_LOOSE_STATUSES = "state|stage|phase|workflow|progress|audience|permissions?|readers|readership"
_OUT = (
    "eleventyexclude|hide|hidden|exclude|excluded|omit|skip|remove|removed|ignore|no|not|disable|"
    "disabled|suppress|unlist"
)
_IN = "(?:show|shown|display|include|included|list|listed|appear|visible|publish|add)?"
_AT = "(?:from|in|on|for)?(?:the)?"
_LISTS = (
    "(?:rss|atom|json|xml|news)?feeds?|rss|atom|(?:post|article|blog|all|public)?(?:lists?|listings?)"
    "|collections?|archives?|all|everywhere|everyone|newsletters?|digests?|blog|posts|public|publishing|"
    "publication|production|build|output"
)
_ELSEWHERE = (  # what a theme hides there is in the feeds of the site all the same
    r"home\w*|frontpage|index|main|landing|search\w*|related\w*|sitemap\w*|nav\w*|menu\w*|"
    r"sidebar\w*|toc\w*|crawlers?|bots?|seo|single|recent\w*|featured|filetree|explorer|graph|"
    r"backlinks|pagination|paginator|timeline|header|footer|print|mobile|desktop"
)
_FIELDS: tuple[tuple[Kind, bool, str], ...] = (
    ("elsewhere", False, "noarchive|nosnippet"),
    ("hides", True, f"{_IT_IS}(?:{_STATES}){_WHOLE}"),
    ("hides", False, f"{_IT_IS}(?:{_LOOSE_STATES}){_WHOLE}"),
    ("hides", True, f"(?:{_OUT}){_AT}(?:{_LISTS})"),
    ("hides", True, f"(?:{_LISTS})(?:exclude|excluded|hide|hidden|ignore|skip|disabled?)"),
    ("shows", True, f"{_IT_IS}(?:{_PUBLIC}){_WHOLE}"),
    ("shows", True, "build(?:list|render)"),
    ("shows", False, f"(?:is)?(?:{_LOOSE_PUBLIC})"),
    ("shows", True, f"{_IN}(?:in|to|on)(?:the)?(?:{_LISTS})"),
    ("status", True, _STATUSES),
    ("status", False, _LOOSE_STATUSES),
    (
        "secret",
        True,
        "(?:post|page|article|access)?(?:密码|passwords?|passwd|pwd|passphrase)(?:hash)?",
    ),
    ("hashes", False, "keys"),
    ("labels", False, "tags?|categories|category|topics|maintopics|labels?"),
    ("address", False, "permalink|url|path"),
    ("robots", False, "(?:meta)?robots|(?:robots?|meta|seo)?(?:noindex|donotindex|notindexed)"),
    ("elsewhere", False, f"(?:{_OUT}){_AT}(?:{_ELSEWHERE})"),
    ("elsewhere", False, f"(?:{_ELSEWHERE})(?:exclude|excluded|hide|hidden|ignore|disabled?)"),
)
FIELDS = tuple((kind, strict, re.compile(name)) for kind, strict, name in _FIELDS)
"""By folded name: what a field says, and whether a value that is in no table is a doubt."""

GROUPS = re.compile(
    "build|hexo|hugo|jekyll|eleventy|astro|zola|pelican|nikola|ghost|wordpress|wp|obsidian|quartz|"
    "vuepress|docusaurus|quarto|params|extra|page|post|article|entry|meta|metadata|frontmatter|"
    "settings|options|config|properties|props|attributes|custom|data|publishing|publication|blog|seo|"
    "feeds?|rss|publish|list|visibility|status|access|permissions|workflow|editorial|taxonomies|hide|"
    "hidden|exclude"
)
"""Mappings whose fields are about the whole article; in a `cover` or `sidebar`, `hidden` is not."""

OUT = re.compile(f"(?:{_OUT})(?:from|in|on|for)?")
"""Names whose value, or whose fields, may be the places that an article is kept out of."""

DATED = names(PUBLISH, EXPIRES)
DATE = re.compile(r"\d{4}|\d\D\d")
HASH = re.compile("[0-9a-f]{32,128}", re.IGNORECASE)
NOINDEX = re.compile(r"\b(?:noindex|none)\b", re.IGNORECASE)
IN_TITLE = re.compile(
    r"\W*(?:draft|wip|unpublished|do not publish|草稿)\s*[]:：】)）]", re.IGNORECASE
)
# Names that resemble those above.
LIKE_STATES = re.compile(f"{_IT_IS}(?:draft|unlist|unpublish|nonpublic|embargo)\\w+")
LIKE_PRIVATE = re.compile(f"{_IT_IS}(?:private|secret|confidential)\\w+")
LIKE_OUT = re.compile(
    r"(?:hide|hidden|exclude|excluded|invisible)(?:from|for(?!m|um)|until|till)\w+"
)
LIKE_IN = re.compile(r"(?:visible|shown|listed)(?:to|for|from|until)\w+")
LIKE_STATUS = re.compile(r"\w*(?:status|state|visibility|access)")
LIKE_LEVEL = re.compile(r"\w*(?:level|scope|stage|phase|mode|group|class)")
CONTENT = names(
    ("title", "subtitle", "name", "summary", "description", "excerpt", "abstract", "slug", "id"),
    ("author", "authors", "series", "keywords", "keyword", "image", "cover", "location", "source"),
    ("date", "lastmod", "updated", "lang", "language", "aliases", "checks", "check_off"),
)
"""Fields whose text is not a statement about visibility, whatever it is."""

FOLDERS = _words("draft drafts unpublished private trash wip 草稿 草稿箱")
JEKYLL = "_drafts"
SUFFIX = re.compile(r"\.(?:draft|drafts|private|unlisted)\.\w+$", re.IGNORECASE)
