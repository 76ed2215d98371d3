"""Cutting UTF-8 between characters."""

from logsite.text.cutting import cut_place


def test_a_text_is_cut_between_characters():
    for text in ("", "plain", "aé€\N{GRINNING FACE}é", "\N{GRINNING FACE}" * 3, "e\u0301" * 3):
        data = text.encode()
        for limit in range(len(data) + 2):
            place = cut_place(data, limit)
            kept = data[:place].decode()
            assert text.startswith(kept), (text, limit)
            assert place == len(data) or limit - 4 < place <= limit, (text, limit)
