//! A template with a function in Python for stacks whose custom resources or rules need one.

/// The function's name.
pub const NAME: &str = "in-the-lab";

/// A template whose resource `Function` runs this code, which has to define `handler(event, context)`. After it comes the
/// rest of the template: more resources first, then other sections.
pub fn template(code: &str, rest: &str) -> String {
    let code: String = code.trim().lines().map(indented).collect();
    format!(
        "Resources:
  Function:
    Type: AWS::Lambda::Function
    Properties:
      FunctionName: {NAME}
      Runtime: python3.12
      Handler: index.handler
      Role: !Sub arn:aws:iam::${{AWS::AccountId}}:role/any
      Code:
        ZipFile: |
{code}{rest}"
    )
}

fn indented(line: &str) -> String {
    format!("          {line}\n")
}
