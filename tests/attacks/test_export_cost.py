"""A stored value cannot make the export of its pipeline expensive."""

from __future__ import annotations

import pytest
import requests

from tests.attacks.conftest import Scene
from tests.attacks.repetition import repeat
from tests.factories.pipeline import pipeline, record

ALMOST_A_NUMBER = "-" + "1" * 28_000 + "x"


@pytest.mark.prove
@pytest.mark.timeout(120)
def test_the_export_of_a_text_that_is_almost_a_number_disturbs_nobody(scene: Scene) -> None:
    api = scene.attacker.api
    text = {"name": "Text", "field_type": "textarea", "field_config": {"max_length": 50_000}}
    slug = pipeline(api, "Notes", [text])["slug"]
    record(api, slug, {"text": ALMOST_A_NUMBER})
    headers = {"Authorization": f"Bearer {api.token}"}

    def export() -> str:
        url = f"{scene.url}/api/v1/pipelines/{slug}/export/?format=csv&fields=data__text"
        return requests.get(url, headers=headers, timeout=120).text

    with scene.undisturbed():
        files = repeat(export, attackers=2)
    assert set(files) == {f"text\r\n'{ALMOST_A_NUMBER}\r\n"}
