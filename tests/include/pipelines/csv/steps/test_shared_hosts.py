from __future__ import annotations

import pytest

from include.pipelines.csv.steps.domain import normalised
from include.pipelines.csv.steps.shared_hosts import is_shared

SHARED = """
    gmail.com googlemail.com jane@gmx.at t-online.de yahoo.co.uk yahoo.de yahoo.com.br hotmail.co.uk hotmail.fr
    wanadoo.fr orange.fr libero.it comcast.net qq.com 163.com btinternet.com freenet.de ymail.com yandex.ru mail.ru
    live.de outlook.es icloud.com proton.me
    www.facebook.com/acme m.facebook.com/acme de.linkedin.com/company/acme instagram.com/acme x.com/acme
    sites.google.com/view/acme youtube.com/@acme xing.com/companies/acme linktr.ee/acme github.com/acme
    amazon.co.uk/stores/acme etsy.com/shop/acme wordpress.com/acme wixsite.com/acme
"""
OWN = """
    acme.example acme.com acme.co.uk facebook.acme.com gmail-help.com myfacebook.com notlinkedin.com mail.acme.de
    acme.wordpress.com acme.github.io acme.myshopify.com yahoo.acme.co.uk me.acme.com x.co orange.com
"""


@pytest.mark.parametrize("written", SHARED.split())
def test_a_host_that_many_share_is_nobodys(written: str) -> None:
    domain = normalised(written)
    assert domain is not None
    assert is_shared(domain)


@pytest.mark.parametrize("domain", OWN.split())
def test_a_companys_own_host_is_not_shared_whatever_it_looks_like(domain: str) -> None:
    assert not is_shared(domain)
