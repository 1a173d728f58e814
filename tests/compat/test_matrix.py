"""docs/COMPATIBILITY.md against a run of all operations through boto3, the aws CLI, the AWS SDK for JavaScript and Terraform."""

import pytest

from matrix import Matrix, documented_table


def test_the_document_has_the_matrix_that_a_run_gives(binary, tmp_path):
    matrix = Matrix(binary, tmp_path).run()
    assert matrix.failures() == []
    assert matrix.table() == documented_table(), "tests/compat/run --write brings the document up to date"
    if matrix.missing:
        pytest.skip(f"SKIPPED: columns that are not tried: {matrix.missing}")
