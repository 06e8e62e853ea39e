"""Purchase orders and projects, read only (docs/systems/workday.md#w3-3)."""

from __future__ import annotations

from erp_sandbox.workday.contract import ComplexType, Element
from erp_sandbox.workday.shapes.common import INCLUDE_REFERENCE, stream_types, updated_criteria

_WITH_ATTACHMENTS = (INCLUDE_REFERENCE, Element("Include_Attachment_Data", "boolean"))
_WORKTAGS = Element("Worktags_Reference", "ref:Accounting_Worktag", max=None)

TYPES = (
    ComplexType(
        "Business_Document_Line_Split_DataType",
        (
            Element("Business_Document_Line_Split_ID", "string"),
            Element("Quantity", "decimal"),
            Element("Extended_Amount", "decimal", min=1),
            Element("Memo", "string"),
            Element("Worktag_Reference", "ref:Accounting_Worktag", max=None, key="Worktags_Reference"),
        ),
    ),
    ComplexType(
        "Item_Order_Line_Replacement_DataType",
        (
            Element("Goods_Purchase_Order_Line_ID", "string"),
            Element("Line_Number", "decimal"),
            Element("Item_Description", "string"),
            Element("Resource_Category_Reference", "ref:Spend_Category"),
            Element("Quantity", "decimal", min=1),
            Element("Unit_of_Measure_Reference", "ref:Unit_of_Measure"),
            Element("Unit_Cost", "decimal"),
            Element("Extended_Amount", "decimal"),
            _WORKTAGS,
            Element("Goods_Purchase_Order_Line_Split_Data", "Business_Document_Line_Split_DataType", max=None),
        ),
    ),
    ComplexType(
        "Service_Order_Line_Replacement_DataType",
        (
            Element("Service_Order_Line_ID", "string"),
            Element("Line_Number", "decimal"),
            Element("Description", "string"),
            Element("Resource_Category_Reference", "ref:Spend_Category"),
            Element("Extended_Amount", "decimal", min=1),
            Element("Start_Date", "date"),
            Element("End_Date", "date"),
            _WORKTAGS,
            Element("Service_Purchase_Order_Line_Split_Data", "Business_Document_Line_Split_DataType", max=None),
        ),
    ),
    ComplexType(
        "Purchase_Order_Outbound_DataType",
        (
            Element("Purchase_Order_ID", "string"),
            Element("Locked_in_Workday", "boolean"),
            Element("Document_Number", "string"),
            Element("Purchase_Order_Document_Status_Reference", "ref:Document_Status"),
            Element("Company_Reference", "ref:Company"),
            Element("Supplier_Reference", "ref:Resource_Provider"),
            Element("Document_Date", "date"),
            Element("Tax_Amount", "decimal"),
            Element("Payment_Terms_Reference", "ref:Payment_Terms"),
            Element("Due_Date", "date"),
            Element("Currency_Reference", "ref:Currency"),
            Element("Memo", "string"),
            Element("Goods_Line_Data", "Item_Order_Line_Replacement_DataType", max=None),
            Element("Service_Line_Data", "Service_Order_Line_Replacement_DataType", max=None),
        ),
    ),
    *stream_types(
        "Get_Purchase_Orders",
        "Purchase_Order",
        "Purchase_Order",
        "Purchase_Order",
        criteria=(
            Element("Organization_Reference", "ref:Organization", max=None),
            Element("Supplier_Reference", "ref:Resource_Provider", max=None),
            Element("Purchase_Order_Number", "string"),
            Element("Purchase_Order_Date_On_or_After", "date"),
            Element("Purchase_Order_Date_On_or_Before", "date"),
            *updated_criteria(),
        ),
        group=_WITH_ATTACHMENTS,
        data=(Element("Purchase_Order_Data", "Purchase_Order_Outbound_DataType", max=None),),
        leaf_type="Purchase_Order_OutboundType",
        response_data="Purchase_Order_Response_DataType",
    ),
    ComplexType(
        "Project_DataType",
        (
            Element("Workday_Project_ID", "string"),
            Element("Project_Name", "string"),
            Element("Inactive", "boolean"),
            Element("Start_Date", "date"),
            Element("End_Date", "date"),
            Element("Currency_Reference", "ref:Currency"),
            Element("Company_Reference", "ref:Company"),
        ),
    ),
    *stream_types(
        "Get_Projects",
        "Project",
        "Project",
        "Project",
        criteria=(Element("ID", "string"), Element("Project_Name", "string")),
        data=(Element("Project_Data", "Project_DataType"),),
        leaf_type="ProjectType",
        response_data="Project_Response_DataType",
    ),
)
