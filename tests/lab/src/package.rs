//! The function's package, as `make package` makes it and a user uploads it before the first stack.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use zip::write::SimpleFileOptions;

use crate::lab::Lab;

pub const CODE_BUCKET: &str = "code-of-the-lab";
const CODE_KEY: &str = "bootstrap.zip";
/// Parameters of a template with the function in it: what `upload` uploaded.
pub const CODE_PARAMETERS: [(&str, &str); 3] = [
    ("CodeBucket", CODE_BUCKET),
    ("CodeKey", CODE_KEY),
    ("Architecture", "x86_64"),
];

/// Puts the binary into a zip as `make package` does, but without compressing it.
pub fn bundle(binary: &Path) -> Result<Vec<u8>> {
    let code = std::fs::read(binary).with_context(|| binary.display().to_string())?;
    if binary
        .extension()
        .is_some_and(|extension| extension == "zip")
    {
        return Ok(code);
    }
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Stored)
        .unix_permissions(0o755);
    zip.start_file("bootstrap", options)?;
    zip.write_all(&code)?;
    Ok(zip.finish()?.into_inner())
}

/// Puts the binary, or a zip of it, at the place that `CODE_PARAMETERS` names.
pub async fn upload(lab: &Lab, binary: &Path) -> Result<()> {
    let s3 = aws_sdk_s3::Client::new(&lab.aws());
    s3.create_bucket().bucket(CODE_BUCKET).send().await?;
    let upload = s3.put_object().bucket(CODE_BUCKET).key(CODE_KEY);
    upload.body(bundle(binary)?.into()).send().await?;
    Ok(())
}
