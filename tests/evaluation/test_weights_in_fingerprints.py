from braindecode_bolt.evaluation.fingerprint import describe
from braindecode_bolt.training import make_estimator


def test_files_of_weights_count_by_their_content(tmp_path):
    first, second = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    first.write_bytes(b"weights")
    second.write_bytes(b"weights")

    def described(file):
        return describe(make_estimator("NeuroBOLT", module__pretrained=str(file)))

    assert described(first) == described(second)
    before = described(second)
    second.write_bytes(b"others")
    assert described(second) != before
