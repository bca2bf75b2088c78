"""Hosts that many companies share: to search for one of them would find the host, or one company for all."""

from __future__ import annotations

_OWNERS = """
    amazon aol blogger ebay etsy facebook gmail gmx google googlemail hotmail instagram laposte linkedin outlook
    pinterest protonmail rocketmail tiktok tripadvisor trustpilot twitter wanadoo xing yahoo yandex yelp ymail youtube
"""
_EVERYWHERE = frozenset(_OWNERS.split())
"""Names that belong to one owner below every suffix: yahoo.co.uk, amazon.de, m.facebook.com."""

_MAIL = """
    126.com 139.com 163.com alice.it aliyun.com arcor.de att.net bell.net bellsouth.net bigpond.com bluewin.ch
    bol.com.br bt.com btinternet.com btopenworld.com centrum.cz charter.net comcast.net cox.net daum.net docomo.ne.jp
    earthlink.net email.cz email.de ezweb.ne.jp fastmail.com fastwebnet.it foxmail.com free.fr freemail.hu freenet.de
    frontier.com gmx-topmail.de hanmail.net hetnet.nl home.nl hushmail.com icloud.com ig.com.br inbox.lv interia.pl
    iol.ie juno.com kpnmail.nl libero.it list.ru live.at live.be live.ca live.cn live.co.uk live.com live.com.au
    live.com.mx live.de live.dk live.fr live.it live.nl live.no live.se mac.com mail.com mail.de mail.ru mailbox.org
    me.com msn.com mweb.co.za naver.com neuf.fr ntlworld.com o2.pl o2online.de onet.pl optonline.net optusnet.com.au
    orange.fr orange.net pm.me posteo.de proton.me qq.com rambler.ru rediffmail.com rogers.com sapo.pt sbcglobal.net
    seznam.cz sfr.fr shaw.ca sina.com singnet.com.sg sky.com skynet.be sohu.com sympatico.ca t-online.de talktalk.net
    telefonica.net telenet.be telia.com telus.net terra.com.br tin.it tiscali.it tutanota.com ukr.net uol.com.br
    verizon.net videotron.ca virgilio.it virgin.net virginmedia.com vodafone.de web.de wp.pl xs4all.nl xtra.co.nz
    ziggo.nl zoho.com
"""
_PAGES = """
    about.me angel.co behance.net bit.ly crunchbase.com discord.com discord.gg dropbox.com fb.com fb.me flickr.com
    foursquare.com g.page github.com gitlab.com glassdoor.com gofundme.com goo.gl houzz.com indeed.com kununu.com
    line.me linktr.ee medium.com meetup.com messenger.com nextdoor.com notion.so ok.ru patreon.com quora.com
    reddit.com slideshare.net snapchat.com soundcloud.com t.co t.me telegram.me threads.net tinyurl.com twitch.tv
    upwork.com vimeo.com vk.com wa.me weibo.com whatsapp.com wikipedia.org x.com yellowpages.com youtu.be
"""
_SITES = frozenset(_MAIL.split()) | frozenset(_PAGES.split())
"""With all hosts below them: de.linkedin.com is as shared as linkedin.com."""

_HOSTS = """
    bandcamp.com blogspot.com business.site carrd.co github.io gitlab.io godaddysites.com herokuapp.com jimdo.com
    jimdofree.com jimdosite.com myshopify.com netlify.app notion.site pages.dev shopify.com square.site
    squarespace.com strikingly.com substack.com tumblr.com vercel.app web.app webflow.io webnode.com weebly.com
    wix.com wixsite.com wordpress.com
"""
_HOSTING = frozenset(_HOSTS.split())
"""What lies below them is somebody's own: acme.wordpress.com, but not wordpress.com/acme."""

_SECOND_LEVEL = frozenset({"ac", "co", "com", "gob", "gov", "ne", "net", "or", "org"})
"""Below a country: co.uk, com.br, ne.jp."""


def is_shared(domain: str) -> bool:
    """Whether a normalised domain says nothing about a company: of mail providers, social networks, hosting services.

    A company may own such a host; it is then known by its name, as its neighbours there are.
    """
    if domain in _HOSTING:
        return True
    labels = domain.split(".")
    in_country = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL
    own = labels[-3:] if in_country else labels[-2:]
    site = ".".join(own)
    if site in _HOSTING:
        return False
    return own[0] in _EVERYWHERE or site in _SITES
