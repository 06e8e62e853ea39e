"""Types every service shares: paging, faults, header, contact data, attachments."""

from __future__ import annotations

from erp_sandbox.workday.contract import Attribute, Choice, ComplexType, Element

INCLUDE_REFERENCE = Element("Include_Reference", "boolean")
"""What most response groups have."""

PAGE = (
    Element("Total_Results", "page"),
    Element("Total_Pages", "page"),
    Element("Page_Results", "page"),
    Element("Page", "page"),
)


def get_request(name: str, references: str, criteria: str, group: str) -> ComplexType:
    """A Get request: references or criteria, then filter and group (docs/systems/workday.md#w3-1)."""
    return ComplexType(
        f"{name}_RequestType",
        (
            Choice(
                (
                    Element("Request_References", references, min=1),
                    Element("Request_Criteria", criteria, min=1),
                )
            ),
            Element("Response_Filter", "Response_FilterType"),
            Element("Response_Group", group),
        ),
        versioned=True,
    )


def get_response(name: str, references: str, criteria: str, group: str, data: str) -> ComplexType:
    """The answer of a Get: the request's parts, where the page stands, the page."""
    return ComplexType(
        f"{name}_ResponseType",
        (
            Element("Request_References", references),
            Element("Request_Criteria", criteria),
            Element("Response_Filter", "Response_FilterType"),
            Element("Response_Group", group),
            Element("Response_Results", "Response_ResultsType"),
            Element("Response_Data", data),
        ),
        versioned=True,
    )


def updated_criteria() -> tuple[Element, Element]:
    """The changed-since pair of the streams that have one."""
    return Element("Updated_From_Date", "dateTime"), Element("Updated_To_Date", "dateTime")


def stream_types(
    operation: str,
    stem: str,
    leaf: str,
    kind: str,
    *,
    criteria: tuple[Element, ...],
    group: tuple[Element, ...] = (INCLUDE_REFERENCE,),
    data: tuple[Element, ...],
    leaf_type: str,
    response_data: str,
) -> tuple[ComplexType, ...]:
    """The types of one Get operation; ``stem`` names them, ``leaf`` names the object and its reference."""
    references, criteria_type, group_type = (
        f"{stem}_Request_ReferencesType",
        f"{stem}_Request_CriteriaType",
        f"{stem}_Response_GroupType",
    )
    return (
        ComplexType(references, (Element(f"{leaf}_Reference", f"ref:{kind}", min=1, max=None, key="References"),)),
        ComplexType(criteria_type, criteria),
        ComplexType(group_type, group),
        ComplexType(leaf_type, (Element(f"{leaf}_Reference", f"ref:{kind}", key="Document_Reference"), *data)),
        ComplexType(response_data, (Element(leaf, leaf_type, max=None, key="Objects"),)),
        get_request(operation, references, criteria_type, group_type),
        get_response(operation, references, criteria_type, group_type, response_data),
    )


TYPES = (
    ComplexType("Workday_Common_HeaderType", (Element("Include_Reference_Descriptors_In_Response", "boolean"),)),
    ComplexType(
        "Validation_ErrorType",
        (Element("Message", "string"), Element("Detail_Message", "string"), Element("Xpath", "string")),
    ),
    ComplexType("Validation_FaultType", (Element("Validation_Error", "Validation_ErrorType", max=None),)),
    ComplexType("Processing_FaultType", (Element("Detail_Message", "string"),)),
    ComplexType(
        "Response_FilterType",
        (
            Element("As_Of_Effective_Date", "date"),
            Element("As_Of_Entry_DateTime", "dateTime"),
            Element("Page", "page"),
            Element("Count", "count"),
        ),
    ),
    ComplexType("Response_ResultsType", PAGE),
    ComplexType("Exception_DataType", (Element("Classification", "string"), Element("Message", "string"))),
    ComplexType("Exceptions_DataType", (Element("Exception_Data", "Exception_DataType", max=None),)),
    ComplexType("Exceptions_Response_DataType", (Element("Exceptions_Data", "Exceptions_DataType", max=None),)),
    ComplexType("Business_Process_Comment_DataType", (Element("Comment", "string"),)),
    ComplexType(
        "Financials_Business_Process_ParametersType",
        (Element("Auto_Complete", "boolean"), Element("Comment_Data", "Business_Process_Comment_DataType")),
    ),
    ComplexType(
        "Financials_Attachment_DataType",
        (Element("File_Content", "base64Binary"), Element("Comment", "string")),
        (
            Attribute("Content_Type", "string80"),
            Attribute("Filename", "string255"),
            Attribute("Encoding", "string"),
            Attribute("Compressed", "boolean"),
        ),
    ),
    ComplexType(
        "Communication_Usage_Type_DataType",
        (Element("Type_Reference", "ref:Communication_Usage_Type", min=1),),
        (Attribute("Primary", "boolean"),),
    ),
    ComplexType(
        "Communication_Method_Usage_Information_DataType",
        (
            Element("Type_Data", "Communication_Usage_Type_DataType", min=1, max=None),
            Element("Comments", "string"),
        ),
        (Attribute("Public", "boolean"),),
    ),
    ComplexType("Address_Line_Information_DataType", (), (Attribute("Type", "string"),), base="string"),
    ComplexType(
        "Address_Information_DataType",
        (
            Element("Country_Reference", "ref:Country"),
            Element("Address_Line_Data", "Address_Line_Information_DataType", max=None),
            Element("Municipality", "string"),
            Element("Country_Region_Reference", "ref:Country_Region"),
            Element("Postal_Code", "string"),
            Element("Usage_Data", "Communication_Method_Usage_Information_DataType", max=None),
        ),
        (
            Attribute("Formatted_Address", "string"),
            Attribute("Delete", "boolean"),
            Attribute("Do_Not_Replace_All", "boolean"),
            Attribute("Effective_Date", "date"),
        ),
    ),
    ComplexType(
        "Phone_Information_DataType",
        (
            Element("Country_ISO_Code", "string"),
            Element("International_Phone_Code", "string"),
            Element("Area_Code", "string"),
            Element("Phone_Number", "string"),
            Element("Phone_Extension", "string"),
            Element("Phone_Device_Type_Reference", "ref:Phone_Device_Type"),
            Element("Usage_Data", "Communication_Method_Usage_Information_DataType", max=None),
        ),
        (Attribute("Formatted_Phone", "string"),),
    ),
    ComplexType(
        "Email_Address_Information_DataType",
        (
            Element("Email_Address", "string"),
            Element("Usage_Data", "Communication_Method_Usage_Information_DataType", max=None),
        ),
    ),
    ComplexType(
        "Contact_Information_DataType",
        (
            Element("Address_Data", "Address_Information_DataType", max=None),
            Element("Phone_Data", "Phone_Information_DataType", max=None),
            Element("Email_Address_Data", "Email_Address_Information_DataType", max=None),
        ),
    ),
    ComplexType(
        "Tax_ID_DataType",
        (
            Element("Tax_ID_Text", "string"),
            Element("Tax_ID_Type_Reference", "ref:Tax_ID_Type"),
            Element("Transaction_Tax_ID", "boolean"),
            Element("Primary_Tax_ID", "boolean"),
        ),
    ),
)
