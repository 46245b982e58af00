"""Claims about authentication: passwords, dialogues, chains, counts, times."""

import statistics
import time

import services
from ipc import Closed, string
from login import Login
from suite import expect

FAILED = "auth_failure"


def listed(message):
    expect(message.name, FAILED, "answer")
    return message.v_methods.decode(), message.v_partial


def none_is_answered_with_the_list():
    with Login("alice") as login:
        expect(listed(login.ask("auth_none")), ("publickey,password,keyboard-interactive", 0))
        login.monitor_read()
        expect(login.attempts, [], "attempts")


def right_password_logs_in():
    services.log_clear()
    with Login("alice", service="unix") as login:
        expect(login.password("correct horse").name, "auth_success")
        login.monitor_read()
        expect((login.succeeded.v_user, login.succeeded.v_uid, login.succeeded.v_methods), (b"alice", 2001, b"password"))
        expect(login.attempts[-1][:2], ("password", "accepted"))


def yescrypt_password_set_by_chpasswd_logs_in():
    with Login("carol", service="unix") as login:
        expect(login.password("yes, crypt").name, "auth_success")


def monitor_hears_of_success_first():
    with Login("alice") as login:
        login.worker.send("auth_password", password="right")
        message = login.monitor.receive(5)
        while message.name != "login_succeeded":
            message = login.monitor.receive(5)
        expect(login.answer().name, "auth_success")


def wrong_password_fails_after_a_second():
    with Login("alice", service="unix") as login:
        started = time.monotonic()
        expect(listed(login.password("wrong"))[1], 0)
        took = time.monotonic() - started
        assert 0.98 < took < 1.3, took
        login.monitor_read()
        expect(login.attempts[0][:2], ("password", "failed"))


def failure_time(user, password, config=()):
    with Login(user, *config, service="unix") as login:
        login.ask("auth_none")  # the process has started
        started = time.monotonic()
        expect(listed(login.password(password))[1], 0)
        return time.monotonic() - started


def unknown_users_last_like_known_ones():
    kinds = {"known": ("alice", "wrong"), "unknown": ("nobody-here", "wrong"), "illegal": ("-froot", "wrong"),
             "denied": ("alice", "correct horse", ("DenyUsers alice",))}
    times = {kind: [] for kind in kinds}
    for _ in range(5):  # by turns, so that a busy moment of the machine meets all of them
        for kind, arguments in kinds.items():
            times[kind].append(failure_time(*arguments))
    medians = {kind: statistics.median(found) for kind, found in times.items()}
    # A hash takes 60 ms and more; what is left is the machine's own noise.
    spread = max(medians.values()) - min(medians.values())
    assert spread < 0.02, f"medians differ: {medians}"
    return " ".join(f"{kind} {1000 * median:.1f} ms" for kind, median in medians.items())


def conversation_of(user, *config):
    """What a client sees that tries everything wrong; texts and prompts, not times."""
    seen = []
    with Login(user, *config, service="unix") as login:
        for step in (lambda: login.ask("auth_none"), lambda: login.password("wrong"), login.dialogue,
                     lambda: login.respond("wrong"), lambda: login.ask("auth_unknown", method="gssapi")):
            message = step()
            seen.append((message.name, dict(message.values)))
    return seen, login.banners


def unknown_users_look_like_known_ones():
    expect(conversation_of("nobody-here"), conversation_of("alice"), "the conversation")
    expect(conversation_of("alice", "DenyUsers alice"), conversation_of("alice"), "the conversation")


def rules_shut_out_even_the_right_password(*config, user="alice", password="correct horse", service="unix"):
    with Login(user, *config, service=service) as login:
        expect(listed(login.password(password))[1], 0)
        expect(login.dialogue().name, "auth_info_request")
        expect(listed(login.respond(password))[1], 0)
        login.monitor_read()
        expect(login.attempts[0][1], "invalid_user")
        expect(login.succeeded, None)


def denied_credentials_never_reach_modules():
    """A module that would accept anything is given junk."""
    services.log_clear()
    with Login("alice", "DenyUsers alice", service="plain") as login:
        expect(listed(login.password("right"))[1], 0)
    expect(services.stages(), ["authenticate"])


def who_may_not_log_in_is_told_before_the_first_answer():
    """sshd's words: "User alice from 192.0.2.1 not allowed because" these."""
    for user, config, judged in (
            ("alice", (), []), ("nobody-here", (), [("invalid_user", "no such user")]),
            ("-froot", (), [("invalid_user", "the name has characters that no user name may have")]),
            ("alice", ("AllowUsers bob",), [("not_allowed", "not listed in AllowUsers")]),
            ("alice", ("DenyUsers al*",), [("not_allowed", "listed in DenyUsers")]),
            ("alice", ("DenyGroups alice",), [("not_allowed", "a group is listed in DenyGroups")]),
            ("alice", ("AllowGroups wheel",), [("not_allowed", "none of user's groups are listed in AllowGroups")]),
            ("frank", (), [("not_allowed", "the login shell does not exist or is not executable")]),
            ("root", ("PermitRootLogin no",), [("not_allowed", "PermitRootLogin no")])):
        with Login(user, *config) as login:
            login.ask("auth_none")
            login.monitor_read()
            expect((login.judged, login.attempts), (judged, []))


def too_many_tries_are_told():
    with Login("alice", "MaxAuthTries 2", service="unix") as login:
        login.password("wrong")
        expect(login.password("wrong").name, "auth_over")
        login.monitor_read(1)
        expect((login.judged, len(login.attempts)), ([("too_many", "")], 2))


def group_rules(*config, works):
    with Login("alice", *config) as login:
        expect(login.password("right").name, "auth_success" if works else FAILED)


def root_with_password(setting, works):
    with Login("root", f"PermitRootLogin {setting}") as login:
        expect(login.password("right").name, "auth_success" if works else FAILED)


def empty_password_needs_the_option():
    with Login("dave", service="unix") as login:
        expect(login.password("").name, FAILED)
    with Login("dave", "PermitEmptyPasswords yes", service="unix") as login:
        expect(login.password("").name, "auth_success")


def nul_in_a_password_is_no_end():
    with Login("alice", service="unix") as login:
        expect(login.password(b"correct horse\0junk").name, FAILED)


def dialogue_logs_in():
    with Login("alice", service="unix") as login:
        message = login.dialogue()
        expect((message.name, message.v_count, message.v_prompts), ("auth_info_request", 1, string("Password: ") + b"\0"))
        expect(login.respond("correct horse").name, "auth_success")


def wrong_answer_fails_after_a_second():
    with Login("alice", service="unix") as login:
        login.dialogue()
        time.sleep(0.3)
        started = time.monotonic()
        expect(listed(login.respond("wrong"))[1], 0)
        took = time.monotonic() - started
        assert 0.98 < took < 1.3, took


def several_prompts_are_one_question():
    with Login("alice", service="multi") as login:
        message = login.dialogue()
        expect(message.v_instruction, b"First line\nSecond line\n")
        expect((message.v_count, message.v_prompts), (2, string("Code name: ") + b"\1" + string("Secret: ") + b"\0"))
        expect(login.respond("heron", "marsh").name, "auth_success")


def wrong_number_of_answers_fails():
    for answers in ((), ("heron",), ("heron", "marsh", "reed")):
        with Login("alice", service="multi") as login:
            login.dialogue()
            expect(listed(login.respond(*answers))[1], 0)


def answers_that_do_not_fit_their_count_fail():
    with Login("alice", service="multi") as login:
        login.dialogue()
        expect(login.ask("auth_answers", count=2, answers=string("heron") + b"\0\0\0\xffmarsh").name, FAILED)


def rounds_follow_each_other():
    with Login("alice", service="rounds") as login:
        expect(login.dialogue().v_prompts, string("One: ") + b"\0")
        expect(login.respond("1").v_prompts, string("Two: ") + b"\0")
        expect(login.respond("2").name, "auth_success")


def empty_prompt_is_given_a_word():
    with Login("alice", service="empty") as login:
        expect(login.dialogue().v_prompts, string("Response: ") + b"\0")
        expect(login.respond("right").name, "auth_success")


def control_characters_are_stripped():
    with Login("alice", service="control") as login:
        expect(login.dialogue().v_prompts, string("[2JPassword: ") + b"\0")


def text_before_the_first_prompt_is_kept_back():
    with Login("alice", service="text") as login:
        message = login.dialogue()
        expect((message.v_count, message.v_instruction), (1, b""))
        expect(login.respond("right").name, "auth_success")


def text_alone_is_a_question_without_prompts():
    with Login("alice", service="code") as login:
        login.dialogue()
        message = login.respond("go")
        expect((message.name, message.v_count, message.v_instruction), ("auth_info_request", 0, b"Visit the page and type 1234\n"))
        expect(login.respond().name, "auth_success")


def new_request_abandons_a_dialogue():
    with Login("alice", service="rounds") as login:
        login.dialogue()
        started = time.monotonic()
        expect(listed(login.ask("auth_none"))[1], 0)
        assert time.monotonic() - started < 0.3
        expect(login.dialogue().v_prompts, string("One: ") + b"\0")
        expect(login.respond("1").v_prompts, string("Two: ") + b"\0")
        expect(login.respond("2").name, "auth_success")


def endless_questions_end():
    with Login("alice", service="many") as login:
        message = login.dialogue()
        for _ in range(70):
            if message.name == FAILED:
                return
            message = login.respond("again")
    raise AssertionError("asked without end")


def password_answers_one_prompt_only():
    with Login("alice", service="rounds") as login:
        expect(login.password("1").name, FAILED)


def changed_user_name_is_refused():
    with Login("alice", service="user") as login:
        expect(login.password("right").name, FAILED)
        login.dialogue()
        expect(login.respond("right").name, FAILED)
        login.monitor_read()
        expect(login.succeeded, None)
        assert any(event.v_name == b"pam_user_changed" for event in login.events), login.events


def credentials_of_a_changed_user_name_are_taken_back():
    services.log_clear()
    with Login("alice", service="cred") as login:
        expect(login.password("right").name, "auth_over")
        login.monitor_read()
        expect(login.succeeded, None)
        login.closed()
    expect(services.stages(), ["authenticate", "account", "establish_cred", "delete_cred"])


def expired_password_is_changed_in_the_dialogue():
    services.log_clear()
    with Login("alice", service="expired") as login:
        login.dialogue()
        message = login.respond("right")
        expect((message.v_count, message.v_instruction), (0, b"Changing the password\n"))
        expect(login.respond().v_prompts, string("Current password: ") + b"\0")
        expect(login.respond("right").v_prompts, string("New password: ") + b"\0")
        expect(login.respond("long enough").v_prompts, string("Retype new password: ") + b"\0")
        expect(login.respond("long enough").name, "auth_success")
    expect(services.stages(), ["authenticate", "account", "chauthtok", "account", "establish_cred", "open_session",
                               "close_session", "delete_cred"])


def expired_password_is_changed_by_the_password_method():
    services.log_clear()
    with Login("alice", service="expired") as login:
        message = login.password("right")
        expect(message.name, "auth_passwd_changereq")
        assert b"expired" in message.v_prompt
        message = login.password("right", change=True, new_password="short")
        expect(message.name, "auth_passwd_changereq")
        assert b"BAD PASSWORD: too short" in message.v_prompt, message
        expect(login.password("wrong", change=True, new_password="long enough").name, FAILED)
        expect(login.password("right", change=True, new_password="long enough").name, "auth_success")


def unix_password_is_changed_when_expired():
    with Login("erin", service="unix") as login:
        expect(login.password("stale bread").name, "auth_passwd_changereq")
        expect(login.password("stale bread", change=True, new_password="Fresh-Loaf-77").name, "auth_success")
    with Login("erin", service="unix") as login:
        expect(login.password("Fresh-Loaf-77").name, "auth_success")


def account_denies_with_its_text():
    with Login("alice", service="deny") as login:
        message = login.password("right")
        expect(message.name, "auth_over")
        expect(login.banners, ["Closed on Sundays\n"])
        login.monitor_read()
        expect((login.attempts[-1][1], login.succeeded), ("denied", None))
        login.closed()


def account_notice_is_shown():
    with Login("alice", service="notice") as login:
        expect(login.password("right").name, "auth_success")
        expect(login.banners, ["Your password will expire in 3 days\n"])


def failing_session_ends_the_connection():
    services.log_clear()
    with Login("alice", service="nosession") as login:
        message = login.password("right")
        expect(message.name, "auth_over")
        assert b"session" in message.v_text
        login.monitor_read()
        expect(login.succeeded, None)
        login.closed()
    expect(services.stages(), ["authenticate", "account", "establish_cred", "open_session", "delete_cred"])


def stages_run_in_order_in_one_process():
    services.log_clear()
    with Login("alice") as login:
        expect(login.password("right").name, "auth_success")
        before = services.stages()
        expect(before, ["authenticate", "account", "establish_cred", "open_session"])
        pid = login.process.pid
    log = services.log_read()
    expect([stage for stage, _ in log], before + ["close_session", "delete_cred"])
    expect({(facts["pid"], facts["uid"], facts["tty"], facts["rhost"]) for _, facts in log}, {(str(pid), "0", "ssh", "192.0.2.7")})


def missing_service_denies():
    with Login("alice", service="does-not-exist") as login:
        expect(login.password("right").name, FAILED)


def pam_directory_of_others_is_refused():
    import os
    import pathlib
    path = pathlib.Path("/run/sallyport-test/open-pam")
    path.mkdir(exist_ok=True)
    os.chmod(path, 0o777)
    (path / "plain").write_text((services.PAM_DIRECTORY / "plain").read_text())
    with Login("alice", f"PAMConfigDirectory {path}") as login:
        expect(login.password("right").name, FAILED)
        login.monitor_read()
        assert any(event.v_name == b"pam_failed" for event in login.events)
    os.chmod(path, 0o755)
    with Login("alice", f"PAMConfigDirectory {path}") as login:
        expect(login.password("right").name, "auth_success")


def tries_are_counted():
    with Login("alice", "MaxAuthTries 3", service="unix") as login:
        login.ask("auth_none")
        expect(login.password("wrong").name, FAILED)
        expect(login.ask("auth_unknown", method="hostbased").name, FAILED)
        login.dialogue()
        message = login.respond("wrong")
        expect((message.name, message.v_text), ("auth_over", b"Too many authentication failures"))
        login.closed()


def requests_are_bounded():
    with Login("alice") as login:
        for _ in range(300):
            message = login.ask("auth_none")
            if message.name == "auth_over":
                return
    raise AssertionError("no end of requests")


def modules_delay_does_not_count():
    with Login("alice", service="delay") as login:
        started = time.monotonic()
        expect(login.password("wrong").name, FAILED)
        assert time.monotonic() - started < 1.5


def hanging_module_is_killed_from_outside():
    with Login("alice", service="hang") as login:
        login.worker.send("auth_password", password="right")
        time.sleep(0.3)
        expect(login.process.poll(), None)
        login.process.kill()
        login.closed()


def departure_of_the_worker_ends_a_dialogue():
    with Login("alice", service="rounds") as login:
        login.dialogue()
        login.worker.close()
        login.closed(5)


def departure_of_the_monitor_ends_a_login_before_success():
    with Login("alice", service="rounds") as login:
        login.dialogue()
        login.monitor.close()
        login.closed(5)


def banner_comes_once_and_first():
    import pathlib
    path = pathlib.Path("/run/sallyport-test/banner")
    path.write_text("Authorized use only\n")
    with Login("alice", f"Banner {path}") as login:
        login.worker.send("auth_none")
        expect(login.worker.receive(5).name, "auth_banner")
        expect(login.worker.receive(5).name, FAILED)
        login.worker.send("auth_none")
        expect(login.worker.receive(5).name, FAILED)


def illegal(name, **values):
    with Login("alice") as login:
        expect(login.ask("auth_none").name, FAILED)
        login.worker.send(name, **values)
        try:
            message = login.worker.receive(5)
            raise AssertionError(f"answered with {message}")
        except Closed:
            login.closed()
    with Login("alice") as login:
        expect(login.password("right").name, "auth_success")


def chain(methods):
    return f"AuthenticationMethods {methods}"


def chain_needs_every_step():
    with Login("alice", chain("password,keyboard-interactive")) as login:
        expect(listed(login.ask("auth_none")), ("password", 0))
        expect(login.dialogue().name, FAILED)
        expect(listed(login.password("right")), ("keyboard-interactive", 1))
        expect(listed(login.password("right")), ("keyboard-interactive", 0))
        login.dialogue()
        expect(login.respond("right").name, "auth_success")
        login.monitor_read()
        expect(login.succeeded.v_methods, b"password,keyboard-interactive")


def either_chain_is_enough():
    with Login("alice", chain("publickey,password keyboard-interactive")) as login:
        expect(listed(login.ask("auth_none")), ("publickey,keyboard-interactive", 0))
        login.dialogue()
        expect(login.respond("right").name, "auth_success")


def unknown_method_in_a_chain_lets_nobody_in():
    """The monitor would not have loaded it; a login process that gets it all the same does not serve."""
    with Login("alice", chain("password,fingerprint")) as login:
        try:
            expect(login.password("right").name, FAILED)
        except Closed:
            expect(login.closed(), 1)


def chain_with_a_method_that_is_off_lets_nobody_in():
    with Login("alice", chain("password"), "PasswordAuthentication no") as login:
        expect(listed(login.ask("auth_none")), ("", 0))
        expect(login.password("right").name, FAILED)


def tests():
    """(name, function, arguments)"""
    plain = [
        none_is_answered_with_the_list, right_password_logs_in, yescrypt_password_set_by_chpasswd_logs_in,
        monitor_hears_of_success_first, wrong_password_fails_after_a_second, unknown_users_last_like_known_ones,
        unknown_users_look_like_known_ones, denied_credentials_never_reach_modules, empty_password_needs_the_option,
        nul_in_a_password_is_no_end, dialogue_logs_in, wrong_answer_fails_after_a_second,
        several_prompts_are_one_question, wrong_number_of_answers_fails, answers_that_do_not_fit_their_count_fail,
        rounds_follow_each_other, empty_prompt_is_given_a_word, control_characters_are_stripped,
        text_before_the_first_prompt_is_kept_back, text_alone_is_a_question_without_prompts,
        new_request_abandons_a_dialogue, endless_questions_end, password_answers_one_prompt_only,
        changed_user_name_is_refused, credentials_of_a_changed_user_name_are_taken_back,
        expired_password_is_changed_in_the_dialogue,
        expired_password_is_changed_by_the_password_method, unix_password_is_changed_when_expired,
        account_denies_with_its_text, account_notice_is_shown, failing_session_ends_the_connection,
        stages_run_in_order_in_one_process, missing_service_denies, pam_directory_of_others_is_refused,
        tries_are_counted, who_may_not_log_in_is_told_before_the_first_answer, too_many_tries_are_told, requests_are_bounded, modules_delay_does_not_count, hanging_module_is_killed_from_outside,
        departure_of_the_worker_ends_a_dialogue, departure_of_the_monitor_ends_a_login_before_success,
        banner_comes_once_and_first, chain_needs_every_step, either_chain_is_enough,
        unknown_method_in_a_chain_lets_nobody_in, chain_with_a_method_that_is_off_lets_nobody_in,
    ]
    rows = [(function.__name__, function, (), {}) for function in plain]
    for config, user in (("DenyUsers al*", "alice"), ("AllowUsers bob", "alice"), ("DenyGroups alice", "alice"),
                         ("AllowGroups wheel", "alice"), ("AllowUsers alice@10.0.0.0/8", "alice")):
        rows.append((f"right_password_is_not_enough_with_{config}", rules_shut_out_even_the_right_password, (config,), {"user": user}))
    rows.append(("user_without_a_shell_is_shut_out", rules_shut_out_even_the_right_password, (), {"user": "frank"}))
    for config, works in (("AllowGroups nobody alice", True), ("AllowUsers alice@192.0.2.*", True), ("DenyUsers bob", True)):
        rows.append((f"lets_in_with_{config}", group_rules, (config,), {"works": works}))
    for setting, works in (("yes", True), ("no", False), ("prohibit-password", False), ("forced-commands-only", False)):
        rows.append((f"root_password_with_PermitRootLogin_{setting}", root_with_password, (setting, works), {}))
    for name, values in (("auth_answers", {"count": 0}), ("channel_run", {"channel": 0, "kind": 1}),
                         ("channel_pty", {"channel": 0}), ("channel_gone", {"channel": 0}),
                         ("login_succeeded", {"user": "root"}), ("open_login", {"user": "root"})):
        rows.append((f"worker_may_not_send_{name}_before_login", illegal, (name,), values))
    return rows
