"""The names of all HTML, SVG and MathML elements that browsers know, obsolete ones included. Pure: no Django."""

from __future__ import annotations

_NAMES = """
    a abbr acronym address animate animatemotion animatetransform annotation applet area article aside audio b base
    basefont bdi bdo bgsound big blink blockquote body br button canvas caption center circle cite clippath code col
    colgroup command content data datalist dd defs del desc details dfn dialog dir discard div dl dt element ellipse
    em embed fencedframe fieldset figcaption figure filter font footer foreignobject form frame frameset g
    geolocation h1 h2 h3 h4 h5 h6 head header hgroup hr html i iframe image img input ins isindex kbd keygen label
    legend li line lineargradient link listing main map mark marker marquee mask math menu menuitem meta metadata
    meter mfenced mfrac mglyph mi mmultiscripts mn mo model mover mpadded mpath mphantom mprescripts mroot mrow ms
    mspace msqrt mstyle msub msubsup msup mtable mtd mtext mtr multicol munder munderover nav nextid nobr noembed
    noframes noscript object ol optgroup option output p param path pattern permission picture plaintext polygon
    polyline portal pre progress q radialgradient rb rbc rect rp rt rtc ruby s samp script search section select
    selectedcontent selectlist semantics set shadow slot small source spacer span stop strike strong style sub
    summary sup svg switch symbol table tbody td template text textarea textpath tfoot th thead time title tr track
    tref tspan tt u ul use var video view wbr xmp
"""
ELEMENTS = frozenset(_NAMES.split())
