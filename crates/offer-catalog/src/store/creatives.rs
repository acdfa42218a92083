//! Uploaded pictures: what is known of them. The files are in [`creative_files`](super::creative_files).

use chrono::{DateTime, Utc};
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, Queryable, Selectable, SelectableHelper,
};
use diesel_async::RunQueryDsl;
use kernel::{CreativeId, TenantId};
use uuid::Uuid;

use super::{Conn, convert, schema::creatives::dsl, slice};
use crate::domain::{
    creative::{CreativeFile, FileName, UploadedCreative},
    listing::{Slice, Window},
};

const TABLE: &str = "creatives";

#[derive(Queryable, Selectable)]
#[diesel(table_name = super::schema::creatives, check_for_backend(diesel::pg::Pg))]
struct Row {
    tenant_id: Uuid,
    creative_id: Uuid,
    name: Option<String>,
    file: String,
    width: i32,
    height: i32,
    bytes: i64,
    thumbnail_file: String,
    thumbnail_width: i32,
    thumbnail_height: i32,
    thumbnail_bytes: i64,
    created_at: DateTime<Utc>,
}

impl TryFrom<Row> for UploadedCreative {
    type Error = diesel::result::Error;

    fn try_from(row: Row) -> QueryResult<Self> {
        let bytes = |bytes: i64| {
            u64::try_from(bytes).map_err(|_negative| convert::broken(TABLE, "bytes", "is negative"))
        };
        Ok(Self {
            tenant_id: TenantId::from_uuid(row.tenant_id),
            creative_id: CreativeId::from_uuid(row.creative_id),
            name: row.name,
            image: CreativeFile {
                name: file_name(&row.file, "file")?,
                width: convert::small(row.width, TABLE, "width")?,
                height: convert::small(row.height, TABLE, "height")?,
                bytes: bytes(row.bytes)?,
            },
            thumbnail: CreativeFile {
                name: file_name(&row.thumbnail_file, "thumbnail_file")?,
                width: convert::small(row.thumbnail_width, TABLE, "thumbnail_width")?,
                height: convert::small(row.thumbnail_height, TABLE, "thumbnail_height")?,
                bytes: bytes(row.thumbnail_bytes)?,
            },
            created_at: convert::from_sql(row.created_at),
        })
    }
}

fn file_name(text: &str, column: &'static str) -> QueryResult<FileName> {
    text.parse().map_err(|_not_a_name| convert::broken(TABLE, column, "is no name of a file"))
}

/// Adds a creative; `false` when the tenant has this picture already.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn insert(conn: &mut Conn, creative: &UploadedCreative) -> QueryResult<bool> {
    let (image, thumbnail) = (&creative.image, &creative.thumbnail);
    let added = diesel::insert_into(dsl::creatives)
        .values((
            dsl::tenant_id.eq(creative.tenant_id.as_uuid()),
            dsl::creative_id.eq(creative.creative_id.as_uuid()),
            dsl::name.eq(creative.name.as_ref()),
            dsl::file.eq(image.name.to_string()),
            dsl::width.eq(pixels_to_sql(image.width)),
            dsl::height.eq(pixels_to_sql(image.height)),
            dsl::bytes.eq(bytes_to_sql(image.bytes)),
            dsl::thumbnail_file.eq(thumbnail.name.to_string()),
            dsl::thumbnail_width.eq(pixels_to_sql(thumbnail.width)),
            dsl::thumbnail_height.eq(pixels_to_sql(thumbnail.height)),
            dsl::thumbnail_bytes.eq(bytes_to_sql(thumbnail.bytes)),
            dsl::created_at.eq(convert::to_sql(creative.created_at)),
        ))
        .on_conflict((dsl::tenant_id, dsl::file))
        .do_nothing()
        .execute(conn)
        .await?;
    Ok(added > 0)
}

/// One creative of a tenant.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn find(
    conn: &mut Conn,
    tenant: TenantId,
    id: CreativeId,
) -> QueryResult<Option<UploadedCreative>> {
    let row: Option<Row> = dsl::creatives
        .filter(dsl::tenant_id.eq(tenant.as_uuid()))
        .filter(dsl::creative_id.eq(id.as_uuid()))
        .select(Row::as_select())
        .first(conn)
        .await
        .optional()?;
    row.map(UploadedCreative::try_from).transpose()
}

/// The creative of a tenant that is this picture.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn find_by_file(
    conn: &mut Conn,
    tenant: TenantId,
    file: FileName,
) -> QueryResult<Option<UploadedCreative>> {
    let row: Option<Row> = dsl::creatives
        .filter(dsl::tenant_id.eq(tenant.as_uuid()))
        .filter(dsl::file.eq(file.to_string()))
        .select(Row::as_select())
        .first(conn)
        .await
        .optional()?;
    row.map(UploadedCreative::try_from).transpose()
}

/// Those of the given creatives that are the tenant's, with one query.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn find_all(
    conn: &mut Conn,
    tenant: TenantId,
    ids: &[CreativeId],
) -> QueryResult<Vec<UploadedCreative>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<Row> = dsl::creatives
        .filter(dsl::tenant_id.eq(tenant.as_uuid()))
        .filter(dsl::creative_id.eq_any(ids.iter().map(|id| id.as_uuid())))
        .select(Row::as_select())
        .load(conn)
        .await?;
    rows.into_iter().map(UploadedCreative::try_from).collect()
}

/// A page of a tenant's creatives, newest first.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn list(conn: &mut Conn, tenant: TenantId, window: Window) -> QueryResult<Slice<UploadedCreative>> {
    let own = dsl::creatives.filter(dsl::tenant_id.eq(tenant.as_uuid()));
    let rows: Vec<Row> = own
        .select(Row::as_select())
        .order((dsl::created_at.desc(), dsl::creative_id))
        .offset(window.offset)
        .limit(window.limit)
        .load(conn)
        .await?;
    let total = own.count().get_result(conn).await?;
    let items = rows.into_iter().map(UploadedCreative::try_from).collect::<QueryResult<_>>()?;
    Ok(slice(items, total))
}

fn pixels_to_sql(pixels: u32) -> i32 {
    i32::try_from(pixels).unwrap_or(i32::MAX)
}

fn bytes_to_sql(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
