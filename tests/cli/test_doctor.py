"""Whether the systems can be reached, and what is no longer allowed."""

from __future__ import annotations

import json
import logging

import pytest
import stamina

from erp_sandbox import credentials
from ml_connector.cli.connections import config_of, connections


@pytest.fixture
def box(sandbox, commands):
    """A sandbox that commands find."""
    box = sandbox()
    commands.lead_to(box)
    return box


def state_of(answer, system):
    """Return what doctor says of a system."""
    return next(each for each in answer["systems"] if each["system"] == system)


def events_of(answer):
    """Return the events as (name, operation)."""
    return [(event["name"], event["operation"]) for event in answer["events"]]


def test_a_healthy_pair_is_told_in_two_lines(box, commands):
    """Each system has a line with who we are there and how much of what is needed is allowed."""
    bill, workday = (commands.run("doctor", system).splitlines()[0] for system in ("bill", "workday"))
    assert bill.startswith('bill     ok    organization "Acme Services" · token user · MFA disabled')
    assert "2 of 3 calls at once · 10 of 10 lists allowed" in bill
    assert workday.startswith("workday  ok    tenant acme_dpt1")
    assert "13 of 13 operations allowed" in workday


def test_a_program_gets_every_probe(box, commands):
    """The JSON answer has facts and each operation with its outcome, and no secret."""
    answer = commands.ask("doctor")
    assert answer["events"] == []
    assert state_of(answer, "bill")["facts"]["token_user"] is True
    probes = {probe["operation"]: probe for probe in state_of(answer, "workday")["probes"]}
    assert probes["Get_Suppliers"]["outcome"] == "ok"
    assert probes["Get_Suppliers"]["rows"] == len(box.workday.suppliers)
    secrets = (credentials.BILL_DEV_KEY, credentials.BILL_SYNC_TOKEN_VALUE, credentials.WORKDAY_ISU_PASSWORD)
    assert not any(secret in str(answer) for secret in secrets)


def test_nothing_is_written_to_any_system(box, commands):
    """Every call is a reading one."""
    commands.run("doctor")
    assert not any(operation.startswith(("Submit", "Put")) for operation in box.workday.requests)
    assert box.workday.requests["Get_Supplier_Invoices"] == 1


def test_an_unconfigured_system_is_named_and_no_failure(box, commands):
    """Who uses one system only is not told to configure the other."""
    commands.env = {name: value for name, value in commands.env.items() if name.startswith("TAP_BILL")}
    assert "workday  not configured" in commands.run("doctor")
    assert state_of(commands.ask("doctor"), "workday")["state"] == "not configured"


def test_an_unconfigured_system_that_is_asked_for_is_a_failure(commands):
    """Whoever names a system wants to know it works."""
    assert "not configured" in commands.run("doctor", "workday", code=1)


def test_a_missing_setting_is_named_and_the_other_system_still_checked(box, commands):
    """One line what, one line cure, with the variable; the rest goes on."""
    output = commands.run("doctor", code=1, TARGET_WORKDAY_TENANT="")
    assert 'setting "tenant" is missing' in output
    assert "TARGET_WORKDAY_TENANT" in output
    assert "bill     ok" in output


def test_refused_credentials_are_tried_once(box, commands):
    """A login that is refused is not repeated by the other checks."""
    wrong = dict.fromkeys(
        (
            "TAP_BILL_PASSWORD",
            "TARGET_BILL_PASSWORD",
            "TARGET_WORKDAY_ISU_PASSWORD",
            "TAP_WORKDAY_ISU_PASSWORD",
        ),
        "wrong",
    )
    output = commands.run("doctor", code=1, **wrong)
    assert "BDC_1101" in output
    assert "invalid username or password" in output
    assert box.stats.calls("bill", "POST /v3/login") == 1
    described = "/ccx/service/acme_dpt1/"
    endpoints = box.stats.as_json()["workday"]["endpoints"]
    assert sum(count for name, count in endpoints.items() if name.startswith(f"POST {described}")) == 1


def test_a_system_that_is_down_is_told_with_an_exit_code_of_its_own(box, commands):
    """What may be better later ends with 4, not with 1."""
    box.stop()
    commands.env = {name: value for name, value in commands.env.items() if name.startswith("TARGET_WORKDAY")}
    with stamina.set_testing(True, attempts=100, cap=True):
        output = commands.run("doctor", "workday", code=4)
    assert "workday  fail" in output


def test_a_lost_permission_is_an_event_until_it_is_back(box, commands, caplog):
    """An operation that worked and is refused now is a warning, an event and exit code 3, each time."""
    commands.run("doctor")
    box.workday.forbid("Get_Cost_Centers")
    for _ in range(2):
        with caplog.at_level(logging.WARNING):
            answer = commands.ask("doctor", code=3)
        assert events_of(answer) == [("workday_permission_lost", "Get_Cost_Centers")]
        assert answer["events"][0]["since"]
        assert any("workday_permission_lost" in record.getMessage() for record in caplog.records)
        caplog.clear()
    box.workday.allow("Get_Cost_Centers")
    assert commands.ask("doctor")["events"] == []


def test_what_never_worked_is_no_event(box, commands):
    """A permission nobody gave was not lost; where nothing needs it, it is a warning."""
    box.workday.forbid("Get_Account_Sets")
    answer = commands.ask("doctor")
    assert answer["events"] == []
    assert state_of(answer, "workday")["state"] == "ok"
    output = commands.run("doctor")
    assert "warn  Get_Account_Sets is not allowed: expected GL accounts cannot be checked" in output
    assert "12 of 13 operations allowed" in output


def test_an_essential_permission_that_is_missing_fails(box, commands):
    """Without it nothing can be delivered, whether it worked before or not."""
    box.workday.forbid("Get_Supplier_Invoices")
    assert "fail  Get_Supplier_Invoices is not allowed" in commands.run("doctor", code=3)


def test_sudden_emptiness_is_suspected(box, commands):
    """No fault but no rows either: as before a security change is activated (docs/systems/workday.md#w2-4)."""
    commands.run("doctor")
    box.workday.blind("Get_Suppliers")
    answer = commands.ask("doctor", code=3)
    assert events_of(answer) == [("workday_permission_suspected", "Get_Suppliers")]
    assert f"{len(box.workday.suppliers)} before" in answer["events"][0]["what"]


def test_emptiness_that_cannot_be_is_suspected_at_once(box, commands):
    """A tenant without any company is not believed, even the first time."""
    box.workday.blind("Get_Workday_Companies")
    assert events_of(commands.ask("doctor", code=3)) == [("workday_permission_suspected", "Get_Workday_Companies")]


def test_far_fewer_rows_are_suspected(box, commands):
    """A constrained security group shows fewer rows without a word; less than half of them is suspicious."""
    commands.run("doctor")
    gone = list(box.workday.suppliers)[2:]
    for supplier in gone:
        del box.workday.suppliers[supplier]
    box.workday.touch()
    assert events_of(commands.ask("doctor", code=3)) == [("workday_permission_suspected", "Get_Suppliers")]


def test_a_new_state_can_be_accepted(box, commands):
    """After --accept the same answer is what is expected."""
    commands.run("doctor")
    box.workday.forbid("Get_Account_Sets")
    box.workday.blind("Get_Suppliers")
    commands.run("doctor", code=3)
    commands.run("doctor", "--accept")
    assert commands.ask("doctor")["events"] == []


CORE = {
    "Get_Workday_Companies",
    "Get_Suppliers",
    "Get_Resource_Categories",
    "Get_Cost_Centers",
    "Get_Supplier_Invoices",
    "Get_Supplier_Invoice_Adjustments",
    "Get_Account_Sets",
    "Get_Payment_Terms",
    "Get_Purchase_Orders",
}
OF_STREAMS = {
    "Get_Payment_Types",
    "Get_Transaction_Tax_Codes",
    "Get_Projects",
    "Get_Payments",
}
REPORT = {"TAP_WORKDAY_CUSTOM_REPORTS": '[{"name": "Active_Suppliers", "owner": "ap_admin"}]'}


@pytest.mark.parametrize(
    ("select", "settings", "more"),
    [
        (None, {}, OF_STREAMS),
        (None, {"TAP_WORKDAY_TENANT": ""}, set()),
        (
            None,
            {"TAP_WORKDAY_TENANT": "", "TARGET_WORKDAY_PAYMENT_RECORDING": "ad_hoc_payment"},
            {"Get_Ad_Hoc_Payments", "Get_Payments"},
        ),
        (["suppliers.*"], {}, set()),
        (["suppliers.*", "!suppliers.memo"], {"TARGET_WORKDAY_PAYMENT_RECORDING": "ad_hoc_payment"}, {"Get_Payments", "Get_Ad_Hoc_Payments"}),
        (["*.*"], {}, {*OF_STREAMS, "Get_Organizations", "Get_References", "Get_Journals"}),
        (None, {"TAP_WORKDAY__SELECT": '["organizations.*"]'}, {"Get_Organizations"}),
        (["custom_reports.*"], REPORT, {"report ap_admin/Active_Suppliers"}),
        (None, REPORT, OF_STREAMS),
    ],
)  # fmt: skip
def test_what_the_pipelines_use_is_tried_and_nothing_else(box, commands, select, settings, more):
    """Streams as they are selected, payments where they are recorded, reports where they are read."""
    if select:
        extractors = [
            {"name": "tap-workday", "select": select[:1]},
            {"name": "tap-workday--more", "inherit_from": "tap-workday", "select": select[1:]},
        ]
        (commands.folder / "meltano.yml").write_text(json.dumps({"plugins": {"extractors": extractors}}), "utf-8")
    if settings.get("TAP_WORKDAY_TENANT") == "":
        commands.env = {name: value for name, value in commands.env.items() if not name.startswith("TAP_WORKDAY")}
        settings = {name: value for name, value in settings.items() if name != "TAP_WORKDAY_TENANT"}
    probes = state_of(commands.ask("doctor", "workday", **settings), "workday")["probes"]
    assert {probe["operation"] for probe in probes} == CORE | more
    assert {probe["outcome"] for probe in probes} == {"ok"}


def test_a_payment_that_cannot_be_recorded_fails(box, commands):
    """Only where payments are recorded."""
    box.workday.forbid("Get_Ad_Hoc_Payments")
    commands.run("doctor", "workday")
    output = commands.run("doctor", "workday", code=3, TARGET_WORKDAY_PAYMENT_RECORDING="ad_hoc_payment")
    assert "fail  Get_Ad_Hoc_Payments is not allowed: no payment can be recorded, looked up or read back" in output


def test_wql_is_tried_where_invoices_are_found_by_it(box, commands):
    """With an API client; a password cannot ask."""
    wql = {"TAP_WORKDAY_INVOICE_CHANGE_SOURCE": "wql"}
    assert "warn  WQL is not offered: late changes" in commands.run("doctor", "workday", **wql)
    login = {
        "ISU_USERNAME": "",
        "ISU_PASSWORD": "",
        "CLIENT_ID": credentials.WORKDAY_CLIENT_ID,
        "CLIENT_SECRET": credentials.WORKDAY_CLIENT_SECRET,
        "REFRESH_TOKEN": credentials.WORKDAY_REFRESH_TOKEN,
    }
    client = {f"{plugin}_WORKDAY_{name}": value for plugin in ("TAP", "TARGET") for name, value in login.items()}
    probes = state_of(commands.ask("doctor", "workday", **wql, **client), "workday")["probes"]
    assert probes[-1]["operation"] == "WQL"
    assert probes[-1]["outcome"] == "ok"


class TestGroupReport:
    """What the security groups of our user may do, as far as the tenant publishes it."""

    DOMAINS = (
        "Set Up: Company General",
        "View: Supplier",
        "Set Up: Spend Category",
        "Manage: Organization",
        "Process: Supplier Invoice Adjustment",
        "Set Up: Chart of Accounts",
        "Set Up: Payment Terms",
        "Reports: Purchase Order",
        "Supplier Invoice Event",
    )

    def publish(self, box, invoices, *, without=()):
        """Publish a report; ``invoices`` is the row of the domain invoices are posted by."""
        rows = [
            {"Domain": name, "Security_Group": "ISSG_AP", "Access": "Get and Put"}
            for name in self.DOMAINS
            if name not in without
        ]
        box.workday.publish_report("ap_admin", "Groups_of_ISU", [*rows, *([invoices] if invoices else [])])

    def ask(self, commands, code=0):
        """Ask for the report."""
        return commands.run("doctor", "workday", "--group-report", "ap_admin/Groups_of_ISU", code=code)

    def test_each_domain_is_told(self, box, commands):
        """With the groups it is granted to; one that is not there is a warning."""
        self.publish(box, None)
        output = self.ask(commands)
        assert 'ok    business process "Supplier Invoice Event": granted to ISSG_AP' in output
        assert 'warn  domain "Process: Supplier Invoice" is not allowed: its operations are refused' in output

    def test_a_domain_that_is_taken_away_is_an_event(self, box, commands):
        """Compared with the last answer, as operations are, even while the tenant still answers."""
        row = {"Domain": "Process: Supplier Invoice", "Access": "Get and Put"}
        self.publish(box, row)
        assert "23 of 23 operations and domains allowed" in self.ask(commands)
        self.publish(box, row, without=("View: Supplier",))
        assert 'lost  domain "View: Supplier" is no longer allowed' in self.ask(commands, code=3)
        assert "lost" not in commands.run("doctor", "workday")

    @pytest.mark.parametrize(
        ("report", "told"),
        [
            ("ap_admin/Nothing", "warn  group report"),
            ("Nothing", "neither owner/Report_Name nor a query"),
            ("SELECT x FROM y", "WQL cannot be used with isu_username"),
        ],
    )
    def test_a_report_that_cannot_be_read_is_told(self, box, commands, report, told):
        """The rest is told all the same."""
        output = commands.run("doctor", "workday", "--group-report", report)
        assert told in output
        assert "operations and domains allowed" in output

    def test_it_is_about_workday(self, commands):
        """Asked with other systems only it would be silently left out."""
        assert "--group-report is about workday" in commands.run("doctor", "bill", "--group-report", "a/b", code=2)


def test_settings_come_from_the_environment_then_env_file_then_project(commands):
    """What stands nearer wins, as with Meltano."""
    (commands.folder / "meltano.yml").write_text(
        "default_environment: dev\n"
        "plugins:\n  loaders:\n  - name: target-workday\n"
        "    config: {tenant: from_project, base_url: 'https://$HOST', api_version: v40.0, isu_username: $NOT_SET}\n"
        "environments:\n- name: dev\n  config: {plugins: {loaders: [{name: target-workday, config: {api_version: v41.0}}]}}\n",
        "utf-8",
    )
    (commands.folder / ".env").write_text("TARGET_WORKDAY_TENANT=from_file\nHOST=workday.invalid\n", "utf-8")
    assert config_of("target-workday") == {
        "tenant": "from_file",
        "base_url": "https://workday.invalid",
        "api_version": "v41.0",
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TARGET_WORKDAY_TENANT", "from_environment")
        assert config_of("target-workday")["tenant"] == "from_environment"


def test_a_secret_is_not_in_the_form_a_connection_is_shown_in(box, commands, monkeypatch):
    """Connections carry secrets but do not print them."""
    for name, value in commands.env.items():
        monkeypatch.setenv(name, value)
    assert credentials.BILL_DEV_KEY not in repr(connections("bill"))


def test_a_setting_of_the_wrong_kind_is_named(box, commands):
    """Text where a number is wanted is told with its variable."""
    assert "Correct TAP_BILL_MAX_CONCURRENCY" in commands.run("doctor", "bill", code=1, TAP_BILL_MAX_CONCURRENCY="two")
