"""The Export page where files are out of reach."""

import os

import pytest

from deepwas_app.app.pages.export import genotypes_of
from deepwas_app.app.places import Places


def test_genotypes_in_a_folder_of_another_person_are_not_offered(small_study, monkeypatch):
    record = {"role": "genotypes", "path": "/home/another/people.bed"}
    study = small_study.assign_attrs(provenance=[record])
    stat = os.stat

    def refuse(path, **options):
        if str(path).startswith("/home/another"):
            raise PermissionError(13, "Permission denied", path)
        return stat(path, **options)

    monkeypatch.setattr(os, "stat", refuse)
    with pytest.raises(PermissionError):
        os.stat(record["path"])
    assert genotypes_of(study, Places()) == ""
