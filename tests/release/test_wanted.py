"""Names of images: what they are called, and which version that is."""

from __future__ import annotations

import pytest

from muster.release.wanted import ToldOfRelease, Wanted, repository_of, tag_of

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("image", "repository", "tag"),
    [
        ("shop:5.2", "shop", "5.2"),
        ("registry.example.com:5000/team/shop:5.2", "registry.example.com:5000/team/shop", "5.2"),
        ("registry:5000/shop", "registry:5000/shop", ""),
        (f"shop@{DIGEST}", "shop", "0123456789ab"),
        (f"registry:5000/shop:5.2@{DIGEST}", "registry:5000/shop", "5.2"),
        ("shop", "shop", ""),
        ("", "", ""),
        ("Shop:1", "", ""),
        ("shop:", "", ""),
        ("shop@sha256:abc", "", ""),
        ("shop:1\n", "", ""),
    ],
)
def test_the_parts_of_an_images_name(image: str, repository: str, tag: str) -> None:
    assert (repository_of(image), tag_of(image)) == (repository, tag)


def test_what_it_says_of_itself_goes_before_a_tag() -> None:
    told = ToldOfRelease(schema="muster/release/v1", version="winter")
    pod = {"spec": {"template": {"spec": {"containers": [{"image": "shop:5.2"}]}}}}
    assert Wanted("new/", (pod,), told).version == "winter"
    assert Wanted("new/", (pod,), ToldOfRelease(schema="muster/release/v1")).version == "5.2"
    assert Wanted("new/", (), ToldOfRelease(schema="muster/release/v1")).version == "new/"
