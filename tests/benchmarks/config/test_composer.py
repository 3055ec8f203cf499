def test_of_two_choices_of_a_group_the_last_counts():
    for first, second in (("meta_t", "demo"), ("demo", "meta_t")):
        assert compose([f"protocol={first}", "scale=paper", f"protocol={second}"]).protocol.name == second
